"""Tests that ask an index first what there is: words of names that are close to one, and time zones.

An index knows far fewer words than studies. So the words that are close to one of the request are looked for among
the words that there are, and the search itself asks for equality with these. Likewise for the zones of objects: a
range of moments in the zone of a request is another range in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import Table, bindparam, func, literal_column, or_, select

from hilum.dicom.searching.date_times import is_zone, shifted, zone_minutes
from hilum.dicom.searching.query import Level
from hilum.errors import PayloadTooLarge
from hilum.store.database import text
from hilum.store.database.database import Compiled, Kind, Session
from hilum.store.database.names import is_close, near_patterns
from hilum.store.rows.columns import KEY_TABLES
from hilum.store.search.clauses import fits
from hilum.store.search.criteria import ZONE, Demand, Op, Shape, moment_values, padded

_MOST: Final = 512
"""Most words that are close to one; a search for more is too broad."""


def resolved(
    session: Session, kind: Kind, tests: Sequence[Demand], tables: Mapping[Level, Table] = KEY_TABLES
) -> list[Demand]:
    """Return the tests with what they ask of the index put in: close words, and moments in each zone.

    Args:
        session: of the index.
        kind: of the index.
        tests: of the search.
        tables: the key rows of each level.

    Raises:
        PayloadTooLarge: there are more of them than a search can ask for.
    """
    found = []
    for test in tests:
        table = tables[test.shape.level]
        if test.shape.op is Op.CLOSE:
            found.append(_with_close_words(session, kind, test, table))
        elif test.shape.op is Op.ZONED:
            found.append(_with_moments(session, kind, test, table))
        else:
            found.append(test)
    return found


RESOLVED: Final = frozenset({Op.CLOSE, Op.ZONED})
"""What `resolved` puts something else in the place of."""


def _with_moments(session: Session, kind: Kind, test: Demand, table: Table) -> Demand:
    offset, first, last = int(test.values[0]), str(test.values[1]), str(test.values[2])
    zones = [zone for zone in _zones(session, kind, table) if is_zone(zone)]
    values = list(moment_values(first, last))
    for zone in padded(zones) if zones else ():
        ends = (end and shifted(end, zone_minutes(zone) - offset) for end in (first, last))
        values += (zone, *moment_values(*ends))
    shape = test.shape
    return Demand(Shape(shape.level, shape.path, Op.MOMENTS, len(values), shape.time_path), tuple(values))


def _zones(session: Session, kind: Kind, table: Table) -> Iterator[str]:
    """Yield the time zones that there are, each by one step in the index."""
    statement = _next_zone(table, kind)
    zone = session.only(statement, {"path": ZONE, "zone": ""})[0]
    while zone is not None:
        yield zone
        zone = session.only(statement, {"path": ZONE, "zone": zone})[0]


@lru_cache(maxsize=8)
def _next_zone(table: Table, kind: Kind) -> Compiled:
    zone = table.c.value
    return Compiled(select(func.min(zone)).where(table.c.path == bindparam("path"), zone > bindparam("zone")), kind)


def _with_close_words(session: Session, kind: Kind, test: Demand, table: Table) -> Demand:
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
    """Return the statement that steps from word to word, however many rows each has, and picks those that may do."""
    path = table.c.path == bindparam("path")
    first = select(func.min(table.c.value).label("word")).where(path, table.c.value >= bindparam("first"))
    words = first.cte("words", recursive=True)
    following = select(func.min(table.c.value)).where(path, table.c.value > words.c.word).scalar_subquery()
    words = words.union_all(select(following).where(words.c.word < bindparam("end")))
    near = (fits(words.c.word, bindparam(f"near{number}"), kind) for number in range(patterns))
    # Words that fit a pattern are not yet close: those are a small part of them.
    statement = (
        select(words.c.word).where(words.c.word < bindparam("end"), or_(*near)).limit(literal_column(str(64 * _MOST)))
    )
    return Compiled(statement, kind)
