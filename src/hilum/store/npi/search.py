"""Searches for non-patient instances: the tests of `store.search` on their key rows (PS3.18 12.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from hilum.dicom.searching.query import Level, Match
from hilum.store.database import tables
from hilum.store.database.database import Compiled, Kind, Session, Value
from hilum.store.search.clauses import KeyRows, empty_clause, item_clause
from hilum.store.search.closeness import resolved
from hilum.store.search.criteria import Op, Shape, demands_of, parameters

_STATEMENTS_KEPT: Final = 256
_n: Final = tables.non_patient.c
_ROWS: Final = KeyRows(tables.non_patient_key, _n.id)
_KEY_TABLES: Final = dict.fromkeys(Level, tables.non_patient_key)


@dataclass(frozen=True, slots=True)
class Question:
    """A search: what decides the text of its statements, and the values of their parameters."""

    shapes: tuple[Shape, ...]
    values: Mapping[str, Value]


def question_of(session: Session, category: str, matches: Sequence[Match], kind: Kind) -> Question:
    """Return the search for the instances of a category that fulfil all keys; key rows hold every value.

    Raises:
        PayloadTooLarge: too many names are close to the one of a key.
    """
    tests = resolved(session, kind, [test for match in matches for test in demands_of(match, {})], _KEY_TABLES)
    paths = {f"p{number}": ".".join(test.shape.path) for number, test in enumerate(tests)}
    return Question(tuple(test.shape for test in tests), {"category": category, **parameters(tests, kind), **paths})


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
    found: list[ColumnElement[bool]] = [_n.category == bindparam("category")]
    for number, shape in enumerate(shapes):
        if shape.op is Op.EMPTY:
            found.append(empty_clause(number, _ROWS))
            continue
        # Attributes below one sequence must match in one item (SRCH-13).
        groups.setdefault(shape.path[0] if len(shape.path) > 1 else number, []).append(number)
    return found + [item_clause(shapes, numbers, kind, _ROWS) for numbers in groups.values()]
