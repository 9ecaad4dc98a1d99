"""Searches for workitems: the tests of `store.search` on the key rows of workitems (PS3.18 11.9).

On SQLite a statement says itself where to begin, as in `store.search.clauses`: with the test that few rows pass, else
in the order of the answer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select

from hilum.dicom.levels import tag_of
from hilum.dicom.searching.attribute_paths import name_of
from hilum.dicom.searching.query import Level, Match, Query
from hilum.store.database import tables
from hilum.store.database.database import Compiled, Database, Kind, Session, Value
from hilum.store.rows.events import last_event
from hilum.store.search.clauses import PLANNED, WALK, KeyRows, Plan, Way, compared, empty_clause, item_clause
from hilum.store.search.closeness import resolved
from hilum.store.search.criteria import Demand, Op, Shape, demands_of, parameters
from hilum.store.search.scanning import fulfils
from hilum.store.worklist.records import Members, WorkitemPage
from hilum.store.worklist.rows import is_matched

_FEW: Final = 1000
"""Fewer rows than this are sorted sooner than their order is walked."""

_SOME: Final = 50_000
"""Fewer rows than this are counted sooner one by one than all rows are."""

_COUNTS_KEPT: Final = 1024
_STATEMENTS_KEPT: Final = 512
_STATE: Final = (tag_of("ProcedureStepState"),)

_w: Final = tables.workitem.c
_ROWS: Final = KeyRows(tables.workitem_key, _w.id)
_LIVE: Final[ColumnElement[bool]] = literal_column("workitem.state <> ''")
_KEY_TABLES: Final = dict.fromkeys(Level, tables.workitem_key)
_UNDRIVEN: Final = frozenset({Op.PATTERN, Op.MOMENT, Op.MOMENTS, Op.NEVER, Op.EMPTY, Op.EITHER})


@dataclass(frozen=True, slots=True)
class _Form:
    """All of a search that decides the text of its statements."""

    kind: Kind
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A search: its form and the values of its parameters."""

    form: _Form
    values: Mapping[str, Value]

    @property
    def key(self) -> Hashable:
        """All that decides the answer on unchanged data."""
        return self.form, tuple(self.values.values())


def ignored_names(matches: Sequence[Match]) -> list[str]:
    """Return the names of attributes that are no matching keys of workitems (UPS-73)."""
    return [name_of(match.path) for match in matches if not is_matched(".".join(match.path))]


def tests_of(matches: Sequence[Match]) -> list[Demand]:
    """Return the tests of the supported matching keys; key rows hold every value of a workitem."""
    supported = [match for match in matches if is_matched(".".join(match.path))]
    return [test for match in supported for test in demands_of(match, {})]


def matches_members(members: Members, matches: Sequence[Match]) -> bool:
    """Return whether a workitem's attributes fulfil all keys: the same answer as a search."""
    return fulfils(members, tests_of(matches))


def question_of(session: Session, matches: Sequence[Match], kind: Kind) -> Question:
    """Return the search for the workitems that fulfil all keys.

    Raises:
        PayloadTooLarge: too many names are close to the one of a key.
    """
    tests = resolved(session, kind, tests_of(matches), _KEY_TABLES)
    values = parameters(tests, kind)
    values |= {
        f"p{number}": ".".join(test.shape.path) for number, test in enumerate(tests) if test.shape.path != _STATE
    }
    return Question(_Form(kind, tuple(test.shape for test in tests)), values)


def conditions(form: _Form, plan: Plan) -> list[ColumnElement[bool]]:
    """Return the conditions of a statement over `tables.workitem`."""
    found: list[ColumnElement[bool]] = [_LIVE]
    if plan.way is Way.DRIVE:
        found.append(_w.id.in_(_owners(form.shapes[plan.driver], plan.driver, form.kind)))
    groups: dict[object, list[int]] = {}
    for number, shape in enumerate(form.shapes):
        if shape.path == _STATE:
            column = _w.state if plan.way is not Way.DRIVE else _w.state.concat(literal_column("''"))
            found.append(compared(shape, number, column, None, form.kind))
            continue
        if shape.op is Op.EMPTY:
            found.append(empty_clause(number, _ROWS))
            continue
        groups.setdefault(shape.path[0] if len(shape.path) > 1 else number, []).append(number)
    found += [item_clause(form.shapes, numbers, form.kind, _ROWS) for numbers in groups.values()]
    return found


def _owners(shape: Shape, number: int, kind: Kind) -> Select[Any]:
    key = tables.workitem_key.alias(f"d{number}")
    passed = compared(shape, number, key.c.value, key.c.rest, kind)
    return select(key.c.owner).where(key.c.path == bindparam(f"p{number}"), passed)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _page_statement(form: _Form, plan: Plan) -> Compiled:
    page = (
        select(_w.id, _w.start, _w.sop_instance_uid)
        .where(*conditions(form, plan))
        .order_by(_w.start, _w.sop_instance_uid)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
        .subquery("page")
    )
    body = tables.workitem_body.c
    statement = (
        select(body.attributes)
        .select_from(page.join(tables.workitem_body, body.workitem_row == page.c.id))
        .order_by(page.c.start, page.c.sop_instance_uid)
    )
    return Compiled(statement, form.kind)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _count_statement(form: _Form, plan: Plan) -> Compiled:
    statement = select(func.count()).select_from(tables.workitem).where(*conditions(form, plan))
    return Compiled(statement, form.kind)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _few_statement(shape: Shape, number: int, kind: Kind, most: int) -> Compiled:
    key = tables.workitem_key.c
    passed = compared(shape, number, key.value, None, kind)
    every: Select[Any] = select(literal_column("1")).select_from(tables.workitem_key)
    found = every.where(key.path == bindparam(f"p{number}"), passed).limit(literal_column(str(most)))
    return Compiled(select(func.count()).select_from(found.subquery()), kind)


def plan_of(session: Session, question: Question, most: int) -> Plan:
    """Return the way to the matches: from the test that the fewest rows pass, else in the order of the answer.

    Args:
        session: of the database.
        question: the search.
        most: tests that so many rows pass do not lead.
    """
    form = question.form
    if form.kind is Kind.POSTGRESQL:
        return PLANNED
    fewest, best = most, WALK
    for number, shape in enumerate(form.shapes):
        if shape.op in _UNDRIVEN or shape.path == _STATE:
            continue
        found = session.only(_few_statement(shape, number, form.kind, most), _values_of(question, number))[0]
        if found < fewest:
            fewest, best = found, Plan(Way.DRIVE, number)
    return best


def _values_of(question: Question, number: int) -> dict[str, Value]:
    prefix, path = f"v{number}_", f"p{number}"
    return {name: value for name, value in question.values.items() if name.startswith(prefix) or name == path}


class WorkitemSearches:
    """Searches for workitems on one database. Safe for many threads."""

    def __init__(self, database: Database) -> None:
        """Search `database`."""
        self._database: Final = database
        self._counts: Final[OrderedDict[Hashable, int]] = OrderedDict()
        self._counts_lock: Final = threading.Lock()

    def search(self, query: Query, select_members: Callable[[Members], Members]) -> WorkitemPage:
        """Return the page of workitems that `query` asks for, earliest start first, then by UID (SRCH-45).

        Args:
            query: its keys, limit and offset.
            select_members: picks what is returned of one workitem.
        """
        kind = self._database.kind
        ignored = ignored_names(query.matches)
        if query.limit == 0:
            return WorkitemPage((), 0, ignored)

        def work(session: Session) -> tuple[Question, list[Any]]:
            question = question_of(session, query.matches, kind)
            values = {**question.values, "limit": query.limit + 1, "offset": query.offset}
            return question, session.rows(_page_statement(question.form, plan_of(session, question, _FEW)), values)

        question, rows = self._database.read(work)
        remaining = 0
        if len(rows) > query.limit:
            remaining = max(1, self._count(question) - query.offset - query.limit)
        items = [select_members(orjson.loads(row[0])) for row in rows[: query.limit]]
        return WorkitemPage(items, remaining, ignored)

    def _count(self, question: Question) -> int:
        """Return the number of all matches; kept until anything changes."""
        kind = self._database.kind

        def count(session: Session) -> int:
            plan = plan_of(session, question, _SOME)
            return int(session.only(_count_statement(question.form, plan), question.values)[0])

        key = (question.key, self._database.read(lambda session: last_event(session, kind)))
        with self._counts_lock:
            known = self._counts.get(key)
        if known is None:
            known = self._database.read(count)
            with self._counts_lock:
                self._counts[key] = known
                if len(self._counts) > _COUNTS_KEPT:
                    self._counts.popitem(last=False)
        return known
