"""Tests as SQL, in the forms that lead either database to the plan that is wanted.

PostgreSQL plans by its statistics. SQLite has none here, so the statement itself says where to begin:

- *walk*: from study to series to instance, in the order of the answer, testing each; ends when the page is full.
  Right where many match.
- *drive*: from the few rows that one test finds through its index; sorted afterwards.
- *posting*: along the studies of one term, which stand in the order of the answer; right for any number of them, on
  PostgreSQL too, whose statistics know neither order nor terms.

Columns that must not lead are compared as expressions, which no index serves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
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
    type_coerce,
)

from hilum.dicom.searching.query import Level
from hilum.store.database import tables
from hilum.store.database.database import Kind
from hilum.store.rows.columns import ATTRIBUTE_COLUMNS, KEY_TABLES
from hilum.store.search.criteria import ORDER_KEY, PATTERNS, ZONE, Op, Shape, common_depth, has_column

Bound = Sequence[ColumnElement[Any]]


class Way(Enum):
    """How the rows of an answer are come by."""

    PLANNED = "planned"
    """As the database plans it."""
    WALK = "walk"
    DRIVE = "drive"
    POSTING = "posting"


@dataclass(frozen=True, slots=True)
class Plan:
    """The way of a statement; `driver` is the place of the leading test in `Way.DRIVE`, else -1."""

    way: Way
    driver: int = -1


PLANNED: Final = Plan(Way.PLANNED)
WALK: Final = Plan(Way.WALK)
POSTING: Final = Plan(Way.POSTING)

_OWNERS: Final[Mapping[Level, ColumnElement[int]]] = {
    Level.STUDY: tables.study.c.id,
    Level.SERIES: tables.series.c.id,
    Level.INSTANCE: tables.instance.c.id,
}
_posting = tables.study_posting.c
_EMPTY: Final[ColumnElement[str]] = literal_column("''")
_ZERO: Final[ColumnElement[int]] = literal_column("0")
_ONE: Final[ColumnElement[int]] = literal_column("1")
VISIBLE: Final[Mapping[Level, ColumnElement[bool]]] = {
    # Partial indexes serve only queries that repeat their conditions word for word.
    Level.STUDY: literal_column("study.visible = 1"),
    Level.SERIES: literal_column("series.visible = 1"),
    Level.INSTANCE: literal_column("instance.state = 0"),
}


def source(level: Level, plan: Plan) -> FromClause:
    """Return the rows of a level beside those of the levels above; all but a plain plan allow the way down alone."""
    study_row: ColumnElement[int] = tables.study.c.id
    found: FromClause = tables.study
    if plan.way is Way.POSTING:
        study_row = _unindexed(_posting.owner)
        found = tables.study_posting.join(tables.study, tables.study.c.id == study_row)
    elif plan.way is Way.WALK:
        study_row = _unindexed(study_row)
    if level is Level.STUDY:
        return found
    found = found.join(tables.series, tables.series.c.study_row == study_row)
    if level is Level.SERIES:
        return found
    is_free = plan.way in {Way.PLANNED, Way.DRIVE}
    series_row = tables.series.c.id if is_free else _unindexed(tables.series.c.id)
    return found.join(tables.instance, tables.instance.c.series_row == series_row)


def study_order(plan: Plan) -> ColumnElement[str]:
    """Return the column that has the order of studies."""
    return _posting.order_key if plan.way is Way.POSTING else tables.study.c.order_key


def clauses(shapes: Sequence[Shape], kind: Kind, plan: Plan) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a statement; parameters are named by each shape's place in `shapes`.

    Shapes below one sequence make one condition: its attributes must match in one item (SRCH-13).
    """
    if plan.way is Way.POSTING:
        yield from (_posting.path == bindparam("posting_path"), _posting.term == bindparam("posting_term"))
    groups: dict[object, list[int]] = {}
    for number, shape in enumerate(shapes):
        if shape.op is Op.EMPTY:
            yield empty_clause(number, KeyRows(KEY_TABLES[shape.level], _OWNERS[shape.level]))
        elif has_column(shape):
            yield _column_clause(shape, number, _tested_column(shape, number, plan), kind)
        else:
            groups.setdefault((shape.level, shape.path[0]) if len(shape.path) > 1 else number, []).append(number)
            if number == plan.driver:
                yield _OWNERS[shape.level].in_(_owners(shape, number, kind))
    for numbers in groups.values():
        yield _exists_clause(shapes, numbers, kind, plan)


def _tested_column(shape: Shape, number: int, plan: Plan) -> ColumnElement[Any]:
    """Return the column that a test compares, as an expression where it must not lead."""
    if plan.way is Way.POSTING and shape.path == ORDER_KEY:
        return _posting.order_key
    is_leading = plan.way is Way.PLANNED or number == plan.driver or (plan.way is Way.WALK and _is_on_way(shape))
    return column_of(shape) if is_leading else _unindexed(column_of(shape))


def _is_on_way(shape: Shape) -> bool:
    """Return whether an index serves the test and the order of studies at once, or finds a single study."""
    return shape.level is Level.STUDY and (shape.path == ORDER_KEY or shape.op in {Op.EQUAL, Op.ANY_OF})


def column_of(shape: Shape) -> ColumnElement[Any]:
    """Return the column that a test compares."""
    return tables.study.c.order_key if shape.path == ORDER_KEY else ATTRIBUTE_COLUMNS[shape.level][shape.path[0]][0]


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column as an expression of the same value."""
    if isinstance(column.type, Integer):
        return column + _ZERO
    return type_coerce(column.concat(_EMPTY), column.type)


def _column_clause(shape: Shape, number: int, column: ColumnElement[Any], kind: Kind) -> ColumnElement[bool]:
    if shape.op in {Op.MOMENT, Op.MOMENTS}:
        time = ATTRIBUTE_COLUMNS[shape.level][shape.time_path[0]][0]
        if shape.op is Op.MOMENT:
            return _moment_clause(number, column, time)
        return _moments_clause(shape, number, column, time, KeyRows(KEY_TABLES[shape.level], _OWNERS[shape.level]))
    return compared(shape, number, column, None, kind)


def _owners(shape: Shape, number: int, kind: Kind) -> Select[Any]:
    """Return the owners of the key rows that pass a test, by its index."""
    key = KEY_TABLES[shape.level].alias(f"d{number}")
    return select(key.c.owner).where(
        key.c.path == bindparam(f"p{number}"), compared(shape, number, key.c.value, key.c.rest, kind)
    )


def few(shape: Shape, number: int, kind: Kind, most: int) -> Select[Any]:
    """Return the statement that counts how many rows a test finds through its index, up to `most`."""
    if has_column(shape):
        table = _OWNERS[shape.level].table
        found = (
            select(_ONE)
            .select_from(table)
            .where(VISIBLE[shape.level], _column_clause(shape, number, column_of(shape), kind))
        )
    else:
        key = KEY_TABLES[shape.level]
        # The rest of long values is not in the index, and for an estimate not worth looking up.
        is_passed = compared(shape, number, key.c.value, None, kind)
        found = select(_ONE).where(key.c.path == bindparam(f"p{number}"), is_passed)
    return select(func.count()).select_from(found.limit(literal_column(str(most))).subquery())


def empty_clause(number: int, rows: KeyRows) -> ColumnElement[bool]:
    """Return the condition that the owner has no value of an attribute."""
    key = rows.table.alias(f"k{number}")
    # The index of values would be gone through once an owner.
    value = _unindexed(key.c.value)
    is_value = (key.c.owner == rows.owner, key.c.path == bindparam(f"p{number}"), value > _EMPTY)
    return ~exists(select(_ONE).select_from(key).where(*is_value))


def _exists_clause(shapes: Sequence[Shape], numbers: Sequence[int], kind: Kind, plan: Plan) -> ColumnElement[bool]:
    level = shapes[numbers[0]].level
    # Known before the study's own row is read.
    owner = _posting.owner if plan.way is Way.POSTING and level is Level.STUDY else _OWNERS[level]
    return item_clause(shapes, numbers, kind, KeyRows(KEY_TABLES[level], owner))


@dataclass(frozen=True, slots=True)
class KeyRows:
    """A table of key rows, and the column of what owns them."""

    table: Table
    owner: ColumnElement[int]


def item_clause(shapes: Sequence[Shape], numbers: Sequence[int], kind: Kind, rows: KeyRows) -> ColumnElement[bool]:
    """Return the condition that the owner has key rows of one item that pass these tests."""
    table = rows.table
    keys = [table.alias(f"k{number}") for number in numbers]
    conditions: list[ColumnElement[bool]] = []
    for place, (number, key) in enumerate(zip(numbers, keys, strict=True)):
        shape = shapes[number]
        # From here the owner is known: the primary key leads to its rows. SQLite would take the index of values for a
        # range and go through all of its rows once an owner, in counts as well.
        value = key.c.value if kind is Kind.POSTGRESQL else _unindexed(key.c.value)
        conditions += [key.c.owner == rows.owner, key.c.path == bindparam(f"p{number}")]
        if shape.op is Op.MOMENT:
            conditions.append(_moment_clause(number, value, _time_of(key, table, number)))
        elif shape.op is Op.MOMENTS:
            # SQLAlchemy ties a subquery to the statement right around it: that is the one of `key`.
            own = KeyRows(table, key.c.owner)
            conditions.append(_moments_clause(shape, number, value, _time_of(key, table, number), own))
        else:
            conditions.append(compared(shape, number, value, key.c.rest, kind))
        if place:
            # Said twice, so that no planner pairs rows of different owners.
            conditions.append(key.c.owner == keys[0].c.owner)
        for other in range(place):
            depth = common_depth(shape.path, shapes[numbers[other]].path)
            conditions.append(_head(key.c.item, depth) == _head(keys[other].c.item, depth))
    return exists(select(_ONE).select_from(*keys).where(*conditions))


def _time_of(key: FromClause, table: Table, number: int) -> ColumnElement[str]:
    """Return the time beside a date, in the same item; '' if there is none."""
    other = table.alias(f"t{number}")
    beside = (
        select(func.min(other.c.value))
        .where(other.c.owner == key.c.owner, other.c.path == bindparam(f"t{number}"), other.c.item == key.c.item)
        .scalar_subquery()
    )
    return func.coalesce(beside, _EMPTY)


def _head(item: ColumnElement[str], depth: int) -> ColumnElement[str]:
    return func.substr(item, _ONE, literal_column(str(4 * depth)))


_COMPARISONS: Final[Mapping[Op, Callable[[ColumnElement[Any], Bound], ColumnElement[bool]]]] = {
    Op.EQUAL: lambda value, bound: value == bound[0],
    Op.ANY_OF: lambda value, bound: value.in_(bound),
    Op.BETWEEN: lambda value, bound: and_(value >= bound[0], value <= bound[1]),
    Op.AT_LEAST: lambda value, bound: value >= bound[0],
    Op.AT_MOST: lambda value, bound: and_(value <= bound[0], value > _EMPTY),
    Op.FROM_UNTIL: lambda value, bound: and_(value >= bound[0], value < bound[1]),
    Op.PATTERN_FROM_UNTIL: lambda value, bound: and_(value >= bound[0], value < bound[1]),
    Op.STEM: lambda value, bound: or_(and_(value >= bound[0], value < bound[1]), value == bound[2]),
    Op.PATTERN: lambda _value, _bound: true(),
    Op.NEVER: lambda _value, _bound: false(),
}
"""What the indexed value must fulfil; `MOMENT` and `EMPTY` have clauses of their own, `EITHER` has parts."""


def compared(
    shape: Shape, number: int, value: ColumnElement[Any], rest: ColumnElement[Any] | None, kind: Kind
) -> ColumnElement[bool]:
    """Return the comparison of a column, or of a key row's value and its rest."""
    bound = [bindparam(f"v{number}_{place}", type_=value.type) for place in range(shape.count)]
    if shape.op is not Op.EITHER:
        return _compared_by(shape.op, bound, value, rest, kind)
    alternatives = []
    for op, count in shape.parts:
        alternatives.append(_compared_by(op, bound[:count], value, rest, kind))
        bound = bound[count:]
    return or_(*alternatives)


def _compared_by(
    op: Op, bound: Bound, value: ColumnElement[Any], rest: ColumnElement[Any] | None, kind: Kind
) -> ColumnElement[bool]:
    passed = _COMPARISONS[op](value, bound)
    if op in PATTERNS:
        return and_(passed, fits(value if rest is None else value.concat(rest), bound[-1], kind))
    if op is Op.EQUAL and rest is not None:
        return and_(passed, rest == bound[1])
    return passed


def fits(value: ColumnElement[Any], pattern: ColumnElement[Any], kind: Kind) -> ColumnElement[bool]:
    """Return whether a value fits a pattern, which is written as the database writes it."""
    if kind is Kind.SQLITE:
        return value.bool_op("GLOB")(pattern)
    return value.like(pattern, escape="\\")


def _moments_clause(
    shape: Shape, number: int, date: ColumnElement[Any], time: ColumnElement[Any], rows: KeyRows
) -> ColumnElement[bool]:
    """Compare a date and its time with the moments of the owner's zone; a date alone with the days as they stand."""
    zone_row = rows.table.alias(f"z{number}")
    zone = func.coalesce(
        select(func.min(zone_row.c.value))
        .where(zone_row.c.owner == rows.owner, zone_row.c.path == literal_column(f"'{ZONE}'"))
        .scalar_subquery(),
        _EMPTY,
    )
    zones = range(4, shape.count, 5)
    names = [bindparam(f"v{number}_{start}", type_=date.type) for start in zones]
    plain = _moment_clause(number, date, time)
    return or_(
        and_(or_(time == _EMPTY, zone.not_in(names)), plain),
        *(
            and_(time > _EMPTY, zone == name, _moment_clause(number, date, time, start + 1))
            for name, start in zip(names, zones, strict=True)
        ),
    )


def _moment_clause(
    number: int, date: ColumnElement[Any], time: ColumnElement[Any], start: int = 0
) -> ColumnElement[bool]:
    """Compare a date and its time; a time that is unknown leaves the decision to the date."""
    first_date, first_time, last_date, last_time = (
        bindparam(f"v{number}_{place}", type_=date.type) for place in range(start, start + 4)
    )
    unknown = time == _EMPTY
    return and_(
        date > _EMPTY,
        or_(date > first_date, and_(date == first_date, or_(time >= first_time, unknown))),
        or_(date < last_date, and_(date == last_date, or_(time <= last_time, unknown))),
    )


def postings(terms: int, ranges: Sequence[Shape], kind: Kind, most: int) -> Select[Any]:
    """Return the statement that counts the studies of each of some terms, up to `most`, and where the last one stands.

    Parameters: `path0`, `term0` and so on, and the values of `ranges`: tests of the order key, `v0_0` and so on.
    """
    counts = []
    for number in range(terms):
        posting = tables.study_posting.alias(f"c{number}")
        found = select(posting.c.order_key).where(
            posting.c.path == bindparam(f"path{number}"),
            posting.c.term == bindparam(f"term{number}"),
            *(compared(shape, place, posting.c.order_key, None, kind) for place, shape in enumerate(ranges)),
        )
        limited = found.order_by(posting.c.order_key).limit(literal_column(str(most))).subquery()
        counts.append(select(func.count().label("n"), func.max(limited.c.order_key).label("last")).subquery())
    return select(*(column for count in counts for column in (count.c.n, count.c.last)))
