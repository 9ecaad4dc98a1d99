"""Matching keys as tests of stored values, and those tests as SQL (PS3.4 C.2.2.2).

A test has a *shape* (where it looks, how it compares) and values. Statements are made from shapes alone, so
searches that differ in values share one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, assert_never

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from hilum.dicom.levels import level_of
from hilum.dicom.query import DateTimeRange, Level, Match, Range, SingleValue, UidList, Wildcard
from hilum.store.index import tables, text
from hilum.store.index.columns import ATTRIBUTE_COLUMNS, KEY_TABLES, Form
from hilum.store.index.database import Kind, Value
from hilum.store.index.merging import NUMBER_VRS

Bound = Sequence[ColumnElement[Any]]

_LATEST: Final = "~"
_ORDER_KEY: Final = ("order_key",)
_STUDY_DATE: Final = ("00080020",)


class Op(Enum):
    """How a stored value is compared; the number of values that each takes."""

    EQUAL = "equal"
    ANY_OF = "any of"
    BETWEEN = "between"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    """At most, and not empty."""
    FROM_UNTIL = "from until"
    """At least the first and below the second value: a prefix."""
    PATTERN = "pattern"
    PATTERN_FROM_UNTIL = "pattern from until"
    """A pattern that begins with literal text: two bounds, then the pattern."""
    STEM = "stem"
    """A prefix (two bounds), or equal to the third value."""
    MOMENT = "moment"
    """A date and its time between two moments: first date and time, last date and time."""
    NEVER = "never"


_PATTERNS: Final = frozenset({Op.PATTERN, Op.PATTERN_FROM_UNTIL})


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a test looks and how it compares."""

    level: Level
    path: tuple[str, ...]
    op: Op
    count: int
    """Number of values."""
    time_path: tuple[str, ...] = ()
    """The time attribute of `MOMENT`."""


@dataclass(frozen=True, slots=True)
class Test:
    """What a stored attribute must fulfil."""

    shape: Shape
    values: tuple[str | int, ...]


def tests_of(match: Match) -> list[Test]:
    """Return the tests that a matching key stands for; all of them must hold."""
    place = _Place(match)
    condition = match.condition
    match condition:
        case SingleValue(value):
            return [test for group in place.groups(value) for test in place.equal(group)]
        case Wildcard(pattern):
            return [test for group in place.groups(pattern) for test in place.like(group)]
        case UidList(uids):
            return [place.test(Op.ANY_OF, *_padded(uids))]
        case Range(first, last):
            return place.between(first, last)
        case DateTimeRange(time_path, first, last):
            return place.moment(time_path, first, last)
        case _:
            assert_never(condition)


def _padded(uids: Sequence[str]) -> list[str]:
    """Repeat the last UID up to a power of two, so that lists of any length share few statements."""
    keys = [text.column_key(uid) for uid in uids]
    return keys + [keys[-1]] * ((1 << (len(keys) - 1).bit_length()) - len(keys))


class _Place:
    """The attribute of a matching key: its level, its path, and how its values are written."""

    def __init__(self, match: Match) -> None:
        self.path: Final = match.path
        self.level: Final = level_of(match.path[0])
        self.vr: Final = match.vr
        column = ATTRIBUTE_COLUMNS[self.level].get(match.path[0]) if len(match.path) == 1 else None
        self.form: Final = column[1] if column else None

    def test(self, op: Op, *values: str | int, time_path: tuple[str, ...] = ()) -> Test:
        return Test(Shape(self.level, self.path, op, len(values), time_path), values)

    def groups(self, value: str) -> list[str]:
        """Return the component groups of a person name that say something; any other value is one."""
        if self.vr != "PN" or "=" not in value:
            return [value]
        return [group for group in value.split("=") if group.strip("^ *")]

    def equal(self, value: str) -> list[Test]:
        if self.form is Form.NUMBER:
            number = text.number_key(value)
            is_whole = number.removeprefix("-").isdecimal() and len(number) <= 15
            known = is_whole and int(number) not in {tables.UNKNOWN, tables.NO_NUMBER}
            return [self.test(Op.EQUAL, int(number)) if known else self.test(Op.NEVER)]
        key = self._key(value)
        if self.form is None:
            return [self.test(Op.EQUAL, key[: text.KEY_LENGTH], key[text.KEY_LENGTH :])]
        narrowed = self._narrowed(key, key) if key else []
        return [self.test(Op.EQUAL, text.column_key(key)), *narrowed]

    def _key(self, value: str) -> str:
        if self.vr == "PN":
            return text.name_key(value)
        if self.vr in NUMBER_VRS:
            return text.number_key(value)
        return {"DA": text.date_key, "TM": text.time_key, "DT": text.date_time_key}.get(self.vr, text.key)(value)

    def like(self, pattern: str) -> list[Test]:
        stored = text.folded(pattern) if self.vr == "PN" else text.key(pattern)
        if not stored.strip("*"):
            return []
        if len(stored) > text.MAX_PATTERN or self.form is Form.NUMBER:
            return [self.test(Op.NEVER)]
        prefix = text.literal_prefix(stored)
        end = text.prefix_end(prefix)
        if end is None or len(prefix) > text.KEY_LENGTH // 2:
            # A longer prefix may run into the digest of a column, or into the rest of a key row.
            return [self.test(Op.PATTERN, stored)]
        if stored[len(prefix) :].strip("*"):
            return [self.test(Op.PATTERN_FROM_UNTIL, prefix, end, stored)]
        if self.vr == "PN" and prefix.endswith("^"):
            # Empty last components are not stored: `SMITH^*` means `SMITH` too.
            return [self.test(Op.STEM, prefix, end, prefix.rstrip("^"))]
        return [self.test(Op.FROM_UNTIL, prefix, end)]

    def between(self, first: str, last: str) -> list[Test]:
        if first and last:
            tests = [self.test(Op.BETWEEN, first, last)]
        elif first or last:
            tests = [self.test(Op.AT_LEAST, first) if first else self.test(Op.AT_MOST, last)]
        else:
            return []
        return tests + self._narrowed(first, last)

    def moment(self, time_path: tuple[str, ...], first: str, last: str) -> list[Test]:
        values = (first[:8] or "0", first[8:], last[:8] or _LATEST, last[8:] or _LATEST)
        return [self.test(Op.MOMENT, *values, time_path=time_path), *self._narrowed(first[:8], last[:8])]

    def _narrowed(self, first: str, last: str) -> list[Test]:
        """Return the range of order keys that a range of Study Dates is: an index gives it in order."""
        if self.path != _STUDY_DATE or self.level is not Level.STUDY:
            return []
        lower = text.order_date(last) if last else ""
        upper = text.prefix_end(text.order_date(first)) if first else text.order_date("")
        return [Test(Shape(Level.STUDY, _ORDER_KEY, Op.FROM_UNTIL, 2), (lower, upper or _LATEST))]


def parameters(tests: Sequence[Test], kind: Kind) -> dict[str, Value]:
    """Return the values of all parameters that `clauses` names for the shapes of these tests."""
    found: dict[str, Value] = {}
    for number, test in enumerate(tests):
        values = test.values
        if test.shape.op in _PATTERNS:
            write = text.glob_pattern if kind is Kind.SQLITE else text.like_pattern
            values = (*values[:-1], write(str(values[-1])))
        found.update({f"v{number}_{place}": value for place, value in enumerate(values)})
        if not _has_column(test.shape):
            found[f"p{number}"] = ".".join(test.shape.path)
        if test.shape.time_path:
            found[f"t{number}"] = ".".join(test.shape.time_path)
    return found


def clauses(shapes: Sequence[Shape], kind: Kind) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a statement; parameters are named by each shape's place in `shapes`.

    Shapes below one sequence make one condition: its attributes must match in one item (SRCH-13).
    """
    groups: dict[tuple[Level, str], list[int]] = {}
    for number, shape in enumerate(shapes):
        if _has_column(shape):
            yield _column_clause(shape, number, kind)
        elif len(shape.path) == 1:
            yield _exists_clause(shapes, [number], kind)
        else:
            groups.setdefault((shape.level, shape.path[0]), []).append(number)
    for numbers in groups.values():
        yield _exists_clause(shapes, numbers, kind)


def _has_column(shape: Shape) -> bool:
    return shape.path == _ORDER_KEY or (len(shape.path) == 1 and shape.path[0] in ATTRIBUTE_COLUMNS[shape.level])


def _column_clause(shape: Shape, number: int, kind: Kind) -> ColumnElement[bool]:
    if shape.path == _ORDER_KEY:
        return _compared(shape, number, tables.study.c.order_key, None, kind)
    column = ATTRIBUTE_COLUMNS[shape.level][shape.path[0]][0]
    if shape.op is Op.MOMENT:
        return _moment_clause(number, column, _time_column(shape))
    return _compared(shape, number, column, None, kind)


def _time_column(shape: Shape) -> ColumnElement[Any]:
    return ATTRIBUTE_COLUMNS[shape.level][shape.time_path[0]][0]


OWNERS: Final[Mapping[Level, ColumnElement[int]]] = {
    Level.STUDY: tables.study.c.id,
    Level.SERIES: tables.series.c.id,
    Level.INSTANCE: tables.instance.c.id,
}


def _exists_clause(shapes: Sequence[Shape], numbers: Sequence[int], kind: Kind) -> ColumnElement[bool]:
    level = shapes[numbers[0]].level
    keys = [KEY_TABLES[level].alias(f"k{number}") for number in numbers]
    conditions: list[ColumnElement[bool]] = []
    for place, (number, key) in enumerate(zip(numbers, keys, strict=True)):
        shape = shapes[number]
        conditions += [key.c.owner == OWNERS[level], key.c.path == bindparam(f"p{number}")]
        if shape.op is Op.MOMENT:
            conditions.append(_moment_clause(number, key.c.value, _time_of(key, KEY_TABLES[level], number)))
        else:
            conditions.append(_compared(shape, number, key.c.value, key.c.rest, kind))
        for other in range(place):
            depth = common_depth(shape.path, shapes[numbers[other]].path)
            conditions.append(_head(key.c.item, depth) == _head(keys[other].c.item, depth))
    return exists(select(literal_column("1")).select_from(*keys).where(*conditions))


def _time_of(key: FromClause, table: Table, number: int) -> ColumnElement[str]:
    """Return the time beside a date, in the same item; '' if there is none."""
    other = table.alias(f"t{number}")
    beside = (
        select(func.min(other.c.value))
        .where(other.c.owner == key.c.owner, other.c.path == bindparam(f"t{number}"), other.c.item == key.c.item)
        .scalar_subquery()
    )
    return func.coalesce(beside, literal_column("''"))


def common_depth(path: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return the number of sequences that two paths share from the top."""
    depth = 0
    while depth < min(len(path), len(other)) - 1 and path[depth] == other[depth]:
        depth += 1
    return depth


def _head(item: ColumnElement[str], depth: int) -> ColumnElement[str]:
    return func.substr(item, literal_column("1"), literal_column(str(4 * depth)))


_COMPARISONS: Final[Mapping[Op, Callable[[ColumnElement[Any], Bound], ColumnElement[bool]]]] = {
    Op.EQUAL: lambda value, bound: value == bound[0],
    Op.ANY_OF: lambda value, bound: value.in_(bound),
    Op.BETWEEN: lambda value, bound: and_(value >= bound[0], value <= bound[1]),
    Op.AT_LEAST: lambda value, bound: value >= bound[0],
    Op.AT_MOST: lambda value, bound: and_(value <= bound[0], value > literal_column("''")),
    Op.FROM_UNTIL: lambda value, bound: and_(value >= bound[0], value < bound[1]),
    Op.PATTERN_FROM_UNTIL: lambda value, bound: and_(value >= bound[0], value < bound[1]),
    Op.STEM: lambda value, bound: or_(and_(value >= bound[0], value < bound[1]), value == bound[2]),
    Op.PATTERN: lambda _value, _bound: true(),
    Op.NEVER: lambda _value, _bound: false(),
}
"""What the indexed value must fulfil; `MOMENT` is `_moment_clause`."""


def _compared(
    shape: Shape, number: int, value: ColumnElement[Any], rest: ColumnElement[Any] | None, kind: Kind
) -> ColumnElement[bool]:
    """Return the comparison of a column, or of a key row's value and its rest."""
    bound = [bindparam(f"v{number}_{place}", type_=value.type) for place in range(shape.count)]
    compared = _COMPARISONS[shape.op](value, bound)
    if shape.op in _PATTERNS:
        return and_(compared, _fits(value if rest is None else value.concat(rest), bound[-1], kind))
    if shape.op is Op.EQUAL and rest is not None:
        return and_(compared, rest == bound[1])
    return compared


def _fits(value: ColumnElement[Any], pattern: ColumnElement[Any], kind: Kind) -> ColumnElement[bool]:
    if kind is Kind.SQLITE:
        return value.bool_op("GLOB")(pattern)
    return value.like(pattern, escape="\\")


def _moment_clause(number: int, date: ColumnElement[Any], time: ColumnElement[Any]) -> ColumnElement[bool]:
    """Compare a date and its time; a time that is unknown leaves the decision to the date."""
    first_date, first_time, last_date, last_time = (
        bindparam(f"v{number}_{place}", type_=date.type) for place in range(4)
    )
    unknown = time == literal_column("''")
    return and_(
        date > literal_column("''"),
        or_(date > first_date, and_(date == first_date, or_(time >= first_time, unknown))),
        or_(date < last_date, and_(date == last_date, or_(time <= last_time, unknown))),
    )


def join_of(level: Level) -> FromClause:
    """Return the rows of a level beside those of the levels above."""
    if level is Level.STUDY:
        return tables.study
    if level is Level.SERIES:
        return tables.series.join(tables.study)
    return tables.instance.join(tables.series).join(tables.study)
