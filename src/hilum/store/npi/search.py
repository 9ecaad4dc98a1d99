"""Searches for non-patient instances: the tests of `store.search` on their key rows (PS3.18 12.6)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from hilum.dicom.searching.query import Match
from hilum.store.database import tables
from hilum.store.database.database import Compiled, Kind, Value
from hilum.store.search.clauses import PLANNED, KeyRows, item_clause
from hilum.store.search.criteria import Demand, Shape, demands_of, parameters

_STATEMENTS_KEPT: Final = 256
_n: Final = tables.non_patient.c
_ROWS: Final = KeyRows(tables.non_patient_key, _n.id)


def tests_of(matches: Sequence[Match]) -> list[Demand]:
    """Return the tests that matching keys stand for; key rows hold every value of an instance."""
    return [test for match in matches for test in demands_of(match, {})]


def values_of(tests: Sequence[Demand], kind: Kind) -> dict[str, Value]:
    """Return the values of the parameters of the statements for these tests."""
    paths = {f"p{number}": ".".join(test.shape.path) for number, test in enumerate(tests)}
    return {**parameters(tests, kind), **paths}


@lru_cache(maxsize=_STATEMENTS_KEPT)
def page_statement(shapes: tuple[Shape, ...], kind: Kind) -> Compiled:
    """Return the statement of one page of a category: the attributes of its matches, by UID."""
    body = tables.non_patient_body
    statement: Select[Any] = (
        select(body.c.attributes)
        .select_from(tables.non_patient.join(body))
        .where(*_conditions(shapes, kind))
        .order_by(_n.sop_instance_uid)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )
    return Compiled(statement, kind)


@lru_cache(maxsize=_STATEMENTS_KEPT)
def count_statement(shapes: tuple[Shape, ...], kind: Kind) -> Compiled:
    """Return the statement of the number of matches."""
    counted: Select[Any] = select(func.count()).select_from(tables.non_patient)
    return Compiled(counted.where(*_conditions(shapes, kind)), kind)


def _conditions(shapes: tuple[Shape, ...], kind: Kind) -> list[ColumnElement[bool]]:
    groups: dict[object, list[int]] = {}
    for number, shape in enumerate(shapes):
        # Attributes below one sequence must match in one item (SRCH-13).
        groups.setdefault(shape.path[0] if len(shape.path) > 1 else number, []).append(number)
    found: list[ColumnElement[bool]] = [_n.category == bindparam("category")]
    return found + [item_clause(shapes, numbers, kind, PLANNED, _ROWS) for numbers in groups.values()]
