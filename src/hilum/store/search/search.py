"""The Search transactions on the index: pages in a total order, counts only where a page was cut (PS3.18 8.3.4)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from hilum.dicom.levels import PIXEL_TAGS, RETURNED_ATTRIBUTES
from hilum.dicom.searching.query import Level, Query
from hilum.dicom.uids import is_uid
from hilum.errors import PayloadTooLarge
from hilum.store.database import tables
from hilum.store.database.database import Compiled, Database, Kind, Row, Session, Value
from hilum.store.rows.columns import ATTRIBUTE_COLUMNS
from hilum.store.rows.events import last_event
from hilum.store.rows.keys import Posting
from hilum.store.rows.reading import bodies_of
from hilum.store.rows.records import SearchPage
from hilum.store.search.clauses import (
    PLANNED,
    POSTING,
    VISIBLE,
    WALK,
    Plan,
    Way,
    clauses,
    few,
    postings,
    source,
    study_order,
)
from hilum.store.search.closeness import RESOLVED, resolved
from hilum.store.search.criteria import ORDER_KEY, Demand, Op, Shape, demands_of, has_column, parameters, postings_of
from hilum.store.search.results import (
    NATIVE,
    NATIVE_COLUMNS,
    WIDE_COLUMNS,
    Wanted,
    WideResults,
    instance_members,
    row_id,
    wanted,
)
from hilum.store.search.scanning import fulfils

_FEW: Final = 500
"""Fewer rows than this are sorted sooner than their order is walked."""

_FINDING: Final = frozenset({("0020000D",), ("0020000E",), ("00080018",), ("00100020",), ("00080050",)})
"""Attributes whose every value belongs to few studies, series or instances."""

_INDEXED: Final = _FINDING | {("00200010",), ("00080060",), ("00080016",)}
"""Attributes whose columns have an index."""

_COMPARED: Final = 100
"""How much of a posting is looked at to tell how long it is."""

_TERMS: Final = 6
"""Most postings that are compared."""

_NO_TERM: Final[Posting] = ("", "")

_WITHOUT_INDEX: Final = frozenset({Op.PATTERN, Op.MOMENT, Op.MOMENTS, Op.NEVER, Op.EMPTY, Op.EITHER})
"""Tests that no index of values answers."""

_COUNTS_KEPT: Final = 1024
_STATEMENTS_KEPT: Final = 512
_BATCH: Final = 64
_UNLIMITED: Final = 2**62

_study, _series, _instance = tables.study.c, tables.series.c, tables.instance.c


class _Part(Enum):
    """Which columns a page consists of."""

    NATIVE = "native"
    """A page of `NATIVE_COLUMNS`."""
    WIDE = "wide"
    """A page of `WIDE_COLUMNS`."""


@dataclass(frozen=True, slots=True)
class _Form:
    """All of a search that decides the text of its statements."""

    kind: Kind
    level: Level
    depth: int
    """How many of study and series the target resource names."""
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """A statement's form and the values of its parameters."""

    form: _Form
    values: Mapping[str, Value]
    terms: tuple[Posting, ...] = ()
    """Postings that hold every match; those that may be short come first."""

    @property
    def key(self) -> Hashable:
        """All that decides the answer on unchanged data."""
        return self.form, tuple(self.values.values())


_TARGETS: Final = (
    _study.study_instance_uid == bindparam("study"),
    _series.series_instance_uid == bindparam("series"),
)
_ORDER_BELOW: Final[tuple[tuple[ColumnElement[Any], ...], ...]] = (
    (_series.series_number, _series.series_instance_uid),
    (_instance.instance_number, _instance.sop_instance_uid),
)
_LEVELS: Final = (Level.STUDY, Level.SERIES, Level.INSTANCE)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _page_statement(form: _Form, plan: Plan, part: _Part) -> Compiled:
    columns = NATIVE_COLUMNS if part is _Part.NATIVE else WIDE_COLUMNS
    levels = ((study_order(plan),), *_ORDER_BELOW)[form.depth : _LEVELS.index(form.level) + 1]
    statement = (
        select(*columns[form.level])
        .select_from(source(form.level, plan))
        .where(*_conditions(form, form.level, plan))
        # What the target resource pins to one study or series needs no place in the order.
        .order_by(*(column for level in levels for column in level))
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )
    return Compiled(statement, form.kind)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _count_statement(form: _Form, plan: Plan) -> Compiled:
    """Return the statement that counts all matches; where no lower level is tested, the counts of rows add up."""
    tested = max([_LEVELS.index(shape.level) for shape in form.shapes], default=0)
    level = _LEVELS[max(tested, min(form.depth, 1))]
    number: ColumnElement[Any] = func.count()
    if level is not form.level:
        counts = {
            (Level.STUDY, Level.SERIES): _study.series_count,
            (Level.STUDY, Level.INSTANCE): _study.instance_count,
            (Level.SERIES, Level.INSTANCE): _series.instance_count,
        }
        number = func.coalesce(func.sum(counts[level, form.level]), literal_column("0"))
    statement = select(number).select_from(source(level, plan)).where(*_conditions(form, level, plan))
    return Compiled(statement, form.kind)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _postings_statement(terms: int, ranges: tuple[Shape, ...], kind: Kind) -> Compiled:
    return Compiled(postings(terms, ranges, kind, _COMPARED), kind)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _few_statement(shape: Shape, number: int, kind: Kind) -> Compiled:
    return Compiled(few(shape, number, kind, _FEW), kind)


def _conditions(form: _Form, level: Level, plan: Plan) -> list[ColumnElement[bool]]:
    visible = [VISIBLE[one] for one in _LEVELS[: _LEVELS.index(level) + 1]]
    return [*visible, *_TARGETS[: form.depth], *clauses(form.shapes, form.kind, plan)]


class Searches:
    """Search requests on one database. Safe for many threads."""

    def __init__(self, database: Database, instance_keys: frozenset[str], scan_limit: int) -> None:
        """Search `database`.

        Args:
            database: where the index is.
            instance_keys: tags of instance-level attributes that have key rows.
            scan_limit: most instances that a search outside one study may look through in their metadata.
        """
        self._database: Final = database
        self._instance_keys: Final = instance_keys
        self._scan_limit: Final = scan_limit
        self._kept: Final = (
            PIXEL_TAGS | instance_keys | {attribute.tag for attribute in RETURNED_ATTRIBUTES[Level.INSTANCE]}
        )
        self._counts: Final[OrderedDict[Hashable, int]] = OrderedDict()
        self._counts_lock: Final = threading.Lock()

    def search(self, query: Query) -> SearchPage:
        """Return the page of matches that `query` asks for.

        Raises:
            PayloadTooLarge: the keys are outside the index and too many instances would have to be looked through.
        """
        targets = {
            name: uid
            for name, uid in (("study", query.study_instance_uid), ("series", query.series_instance_uid))
            if uid is not None
        }
        is_nothing_asked = query.limit == 0 and not query.wants_total
        if is_nothing_asked or not all(map(is_uid, targets.values())):
            return SearchPage((), 0, query.warnings, 0 if query.wants_total else None)
        tests = [test for match in query.matches for test in demands_of(match)]
        scanned = [test for test in tests if self._is_outside(test)]
        indexed = self._resolved([test for test in tests if test not in scanned])
        if any(test.shape.op is Op.NEVER for test in indexed):
            return SearchPage((), 0, query.warnings, 0 if query.wants_total else None)
        form = _Form(self._database.kind, query.level, len(targets), tuple(test.shape for test in indexed))
        terms = tuple(dict.fromkeys(term for test in indexed for term in postings_of(test)))
        question = _Question(form, {**targets, **parameters(indexed, self._database.kind)}, terms[:_TERMS])
        want = wanted(query)
        if scanned:
            return self._scan(query, want, question, scanned)
        return self._page(query, want, question)

    def _resolved(self, tests: Sequence[Demand]) -> Sequence[Demand]:
        if not any(test.shape.op in RESOLVED for test in tests):
            return tests
        return self._database.read(lambda session: resolved(session, self._database.kind, tests))

    def _is_outside(self, test: Demand) -> bool:
        """Return whether neither columns nor key rows can decide a test."""
        shape = test.shape
        if shape.level is Level.INSTANCE and shape.op is Op.ZONED:
            # Key rows of instances do not say their time zones.
            return True
        if shape.level is not Level.INSTANCE or shape.path[0] in self._instance_keys:
            return False
        return len(shape.path) > 1 or shape.path[0] not in ATTRIBUTE_COLUMNS[Level.INSTANCE]

    def _page(self, query: Query, want: Wanted, question: _Question) -> SearchPage:
        part = _Part.NATIVE if want.is_native else _Part.WIDE
        rows = self._rows(question, part, query.limit + 1, query.offset)
        more = len(rows) > query.limit
        page = rows[: query.limit] if more else rows
        total = query.offset + len(page)
        if more or (query.offset and not page and query.wants_total):
            total = max(total + 1 if more else 0, self._count(question))
        remaining = max(0, total - query.offset - len(page)) if more else 0
        compose = NATIVE[query.level] if want.is_native else self._wide(want, page).compose
        counted = total if query.wants_total else None
        return SearchPage([compose(row) for row in page], remaining, query.warnings, counted)

    def _rows(self, question: _Question, part: _Part, limit: int, offset: int) -> list[Row]:
        values = {**question.values, "limit": limit, "offset": offset}

        def work(session: Session) -> list[Row]:
            plan, term = _plan(session, question)
            return session.rows(_page_statement(question.form, plan, part), {**values, **_term_values(term)})

        return self._database.read(work)

    def _count(self, question: _Question) -> int:
        """Return the number of all matches; kept until anything changes."""
        kind = self._database.kind
        last = self._database.read(lambda session: last_event(session, kind))
        key = (question.key, last)
        with self._counts_lock:
            known = self._counts.get(key)
        if known is None:
            known = self._database.read(lambda session: _counted(session, question))
            with self._counts_lock:
                self._counts[key] = known
                if len(self._counts) > _COUNTS_KEPT:
                    self._counts.popitem(last=False)
        return known

    def _wide(self, want: Wanted, page: Sequence[Row]) -> WideResults:
        bodies: dict[int, Row] = {}
        if want.level is Level.INSTANCE and (want.include_all or want.include.get(Level.INSTANCE)):
            for start in range(0, len(page), _BATCH):
                found = bodies_of(self._database, [row_id(row) for row in page[start : start + _BATCH]])
                if not want.needs_metadata(self._kept):
                    found = {identifier: (None, 0, b"", body[3]) for identifier, body in found.items()}
                bodies.update(found)
        return WideResults(want, bodies)

    def _scan(self, query: Query, want: Wanted, question: _Question, tests: Sequence[Demand]) -> SearchPage:
        """Answer a search some of whose keys only the metadata can decide."""
        is_bounded = query.study_instance_uid is None
        rows = self._rows(question, _Part.WIDE, self._scan_limit + 1 if is_bounded else _UNLIMITED, 0)
        if is_bounded and len(rows) > self._scan_limit:
            raise PayloadTooLarge(
                "These matching keys are not indexed, and too many instances would have to be searched; "
                "name a study, or add keys that leave fewer."
            )
        matches = list(self._fulfilling(rows, tests))
        page = matches[query.offset : query.offset + query.limit]
        results = self._wide(want, page)
        remaining = max(0, len(matches) - query.offset - len(page))
        counted = len(matches) if query.wants_total else None
        return SearchPage([results.compose(row) for row in page], remaining, query.warnings, counted)

    def _fulfilling(self, rows: Sequence[Row], tests: Sequence[Demand]) -> Iterator[Row]:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            bodies = bodies_of(self._database, [row_id(row) for row in batch])
            for row in batch:
                body = bodies.get(row_id(row))
                if body is not None and fulfils(instance_members(body), tests):
                    yield row


def _plan(session: Session, question: _Question) -> tuple[Plan, Posting]:
    """Return the way to the first matches, and the posting if it goes along one.

    From a test that finds few rows, else along the shortest posting, else in the order of the answer.
    """
    form = question.form
    for number, shape in enumerate(form.shapes):
        if shape.op in {Op.EQUAL, Op.ANY_OF} and shape.path in _FINDING:
            if form.kind is Kind.POSTGRESQL:
                return PLANNED, _NO_TERM
            return WALK if shape.level is Level.STUDY else Plan(Way.DRIVE, number), _NO_TERM
    if form.depth:
        return WALK if form.kind is Kind.SQLITE else PLANNED, _NO_TERM
    fewest, best = (_FEW, PLANNED) if form.kind is Kind.POSTGRESQL else _fewest(session, question)
    if question.terms and fewest > _COMPARED:
        # However many there are: no posting is longer than the whole order, and none needs sorting.
        return POSTING, _thinnest(session, question)
    return best, _NO_TERM


def _fewest(session: Session, question: _Question) -> tuple[int, Plan]:
    """Return how few rows a single test finds through its index, and the plan that begins there."""
    form = question.form
    fewest, best = _FEW, WALK
    for number, shape in enumerate(form.shapes):
        if not _has_index(shape):
            continue
        found = session.only(_few_statement(shape, number, form.kind), _values_of(question, number))[0]
        if found < fewest:
            fewest, best = found, WALK if shape.path == ORDER_KEY else Plan(Way.DRIVE, number)
    return fewest, best


def _thinnest(session: Session, question: _Question) -> Posting:
    """Return the posting with the fewest studies, by the first ones of each."""
    values: dict[str, Value] = {}
    for number, (path, term) in enumerate(question.terms):
        values |= {f"path{number}": path, f"term{number}": term}
    ranges: list[Shape] = []
    for number, shape in enumerate(question.form.shapes):
        if shape.path == ORDER_KEY:
            values |= {f"v{len(ranges)}_{place}": question.values[f"v{number}_{place}"] for place in range(shape.count)}
            ranges.append(shape)
    statement = _postings_statement(len(question.terms), tuple(ranges), question.form.kind)
    found = session.only(statement, values)
    counts, lasts = found[::2], found[1::2]
    shortest = min(counts)
    candidates = [number for number, count in enumerate(counts) if count == shortest]
    # Of those that are all long, the one whose first studies reach farthest back.
    return question.terms[max(candidates, key=lambda number: lasts[number] or "")]


def _term_values(term: Posting) -> dict[str, Value]:
    return {"posting_path": term[0], "posting_term": term[1]} if term is not _NO_TERM else {}


def _values_of(question: _Question, number: int) -> dict[str, Value]:
    names = (f"v{number}_", f"p{number}")
    return {name: value for name, value in question.values.items() if name.startswith(names[0]) or name == names[1]}


def _has_index(shape: Shape) -> bool:
    if not has_column(shape):
        return shape.op not in _WITHOUT_INDEX
    return shape.path == ORDER_KEY or (shape.path in _INDEXED and shape.op not in _WITHOUT_INDEX)


def _counted(session: Session, question: _Question) -> int:
    plan, term = (PLANNED, _NO_TERM)
    if question.terms and not question.form.depth:
        # Whatever else is tested, no posting has fewer studies than there are matches.
        plan, term = POSTING, _thinnest(session, question)
    return int(session.only(_count_statement(question.form, plan), {**question.values, **_term_values(term)})[0])
