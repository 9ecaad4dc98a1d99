"""Tests as SQL, in the forms that lead either database to the plan that is wanted.

PostgreSQL plans by its statistics. SQLite has none here, so the statement itself says where to begin:

- *walk*: from study to series to instance, in the order of the answer, testing each; ends when the page is full.
  Right where many match.
- *drive*: from the few rows that one test finds through its index; sorted afterwards.

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
from hilum.store.search.criteria import ORDER_KEY, PATTERNS, Op, Shape, common_depth, has_column

Bound = Sequence[ColumnElement[Any]]


class Way(Enum):
    """How the rows of an answer are come by."""

    PLANNED = "planned"
    """As the database plans it."""
    WALK = "walk"
    DRIVE = "drive"


@dataclass(frozen=True, slots=True)
class Plan:
    """The way of a statement; `driver` is the place of the leading test in `Way.DRIVE`, else -1."""

    way: Way
    driver: int = -1


PLANNED: Final = Plan(Way.PLANNED)
WALK: Final = Plan(Way.WALK)

_OWNERS: Final[Mapping[Level, ColumnElement[int]]] = {
    Level.STUDY: tables.study.c.id,
    Level.SERIES: tables.series.c.id,
    Level.INSTANCE: tables.instance.c.id,
}
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
    """Return the rows of a level beside those of the levels above; a walk allows the way down alone."""
    if level is Level.STUDY:
        return tables.study
    study_row = _unindexed(tables.study.c.id) if plan.way is Way.WALK else tables.study.c.id
    joined = tables.study.join(tables.series, tables.series.c.study_row == study_row)
    if level is Level.SERIES:
        return joined
    series_row = _unindexed(tables.series.c.id) if plan.way is Way.WALK else tables.series.c.id
    return joined.join(tables.instance, tables.instance.c.series_row == series_row)


def clauses(shapes: Sequence[Shape], kind: Kind, plan: Plan) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a statement; parameters are named by each shape's place in `shapes`.

    Shapes below one sequence make one condition: its attributes must match in one item (SRCH-13).
    """
    groups: dict[object, list[int]] = {}
    for number, shape in enumerate(shapes):
        if has_column(shape):
            is_leading = (
                plan.way is Way.PLANNED or number == plan.driver or (plan.way is Way.WALK and _is_on_way(shape))
            )
            column = column_of(shape)
            yield _column_clause(shape, number, column if is_leading else _unindexed(column), kind)
        else:
            groups.setdefault((shape.level, shape.path[0]) if len(shape.path) > 1 else number, []).append(number)
            if number == plan.driver:
                yield _OWNERS[shape.level].in_(_owners(shape, number, kind))
    for numbers in groups.values():
        yield _exists_clause(shapes, numbers, kind)


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
    if shape.op is Op.MOMENT:
        return _moment_clause(number, column, ATTRIBUTE_COLUMNS[shape.level][shape.time_path[0]][0])
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


def _exists_clause(shapes: Sequence[Shape], numbers: Sequence[int], kind: Kind) -> ColumnElement[bool]:
    level = shapes[numbers[0]].level
    return item_clause(shapes, numbers, kind, KeyRows(KEY_TABLES[level], _OWNERS[level]))


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
"""What the indexed value must fulfil; `MOMENT` is `_moment_clause`."""


def compared(
    shape: Shape, number: int, value: ColumnElement[Any], rest: ColumnElement[Any] | None, kind: Kind
) -> ColumnElement[bool]:
    """Return the comparison of a column, or of a key row's value and its rest."""
    bound = [bindparam(f"v{number}_{place}", type_=value.type) for place in range(shape.count)]
    passed = _COMPARISONS[shape.op](value, bound)
    if shape.op in PATTERNS:
        return and_(passed, _fits(value if rest is None else value.concat(rest), bound[-1], kind))
    if shape.op is Op.EQUAL and rest is not None:
        return and_(passed, rest == bound[1])
    return passed


def _fits(value: ColumnElement[Any], pattern: ColumnElement[Any], kind: Kind) -> ColumnElement[bool]:
    if kind is Kind.SQLITE:
        return value.bool_op("GLOB")(pattern)
    return value.like(pattern, escape="\\")


def _moment_clause(number: int, date: ColumnElement[Any], time: ColumnElement[Any]) -> ColumnElement[bool]:
    """Compare a date and its time; a time that is unknown leaves the decision to the date."""
    first_date, first_time, last_date, last_time = (
        bindparam(f"v{number}_{place}", type_=date.type) for place in range(4)
    )
    unknown = time == _EMPTY
    return and_(
        date > _EMPTY,
        or_(date > first_date, and_(date == first_date, or_(time >= first_time, unknown))),
        or_(date < last_date, and_(date == last_date, or_(time <= last_time, unknown))),
    )
