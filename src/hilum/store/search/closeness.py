"""Fuzzy matching in the index: first which words of names are close, then who has them.

An index knows far fewer words than studies. So the words that are close to one of the request are looked for among
the words that there are, and the search itself asks for equality with these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import Table, bindparam, literal_column, or_, select

from hilum.dicom.searching.query import Level
from hilum.errors import PayloadTooLarge
from hilum.store.database import text
from hilum.store.database.database import Compiled, Kind, Session
from hilum.store.database.names import is_close, near_patterns
from hilum.store.rows.columns import KEY_TABLES
from hilum.store.search.clauses import fits
from hilum.store.search.criteria import Demand, Op, Shape, padded

_MOST: Final = 512
"""Most words that are close to one; a search for more is too broad."""


def resolved(
    session: Session, kind: Kind, tests: Sequence[Demand], tables: Mapping[Level, Table] = KEY_TABLES
) -> list[Demand]:
    """Return the tests with each word of a fuzzy name replaced by the words of the index that are close to it.

    Args:
        session: of the index.
        kind: of the index.
        tests: of the search.
        tables: the key rows of each level.

    Raises:
        PayloadTooLarge: there are more of them than a search can ask for.
    """
    return [
        _resolved(session, kind, test, tables[test.shape.level]) if test.shape.op is Op.CLOSE else test
        for test in tests
    ]


def _resolved(session: Session, kind: Kind, test: Demand, table: Table) -> Demand:
    shape = test.shape
    words = _close_words(session, kind, test, table)
    if len(words) > _MOST:
        raise PayloadTooLarge("Too many names are close to the one in the request; leave fuzzymatching out.")
    if not words:
        return Demand(Shape(shape.level, shape.path, Op.NEVER, 0), ())
    values = padded(words)
    return Demand(Shape(shape.level, shape.path, Op.ANY_OF, len(values)), tuple(values))


def _close_words(session: Session, kind: Kind, test: Demand, table: Table) -> list[str]:
    word = str(test.values[0])
    patterns = near_patterns(word)
    write = text.glob_pattern if kind is Kind.SQLITE else text.like_pattern
    values = {
        "path": ".".join(test.shape.path),
        "first": word[0],
        "end": text.prefix_end(word[0]) or "",
        **{f"near{number}": write(pattern) for number, pattern in enumerate(patterns)},
    }
    rows = session.rows(_statement(table, len(patterns), kind), values)
    return sorted(row[0] for row in rows if is_close(word, row[0]))


@lru_cache(maxsize=64)
def _statement(table: Table, patterns: int, kind: Kind) -> Compiled:
    key = table.c
    near = (fits(key.value, bindparam(f"near{number}"), kind) for number in range(patterns))
    statement = (
        select(key.value)
        .distinct()
        .where(key.path == bindparam("path"), key.value >= bindparam("first"), key.value < bindparam("end"), or_(*near))
        # Words that pass by a pattern alone are not yet close: those are a small part of them.
        .limit(literal_column(str(64 * _MOST)))
    )
    return Compiled(statement, kind)
