"""Key rows and postings as an index holds them: what has changed of them is written, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Delete, Insert, Select, Table, bindparam, delete, insert, select

from hilum.dicom.searching.query import Level
from hilum.store.database import tables
from hilum.store.database.database import Session, Value
from hilum.store.database.names import grams_of
from hilum.store.rows.columns import KEY_TABLES, MODALITIES_IN_STUDY
from hilum.store.rows.merging import KeyRow

PATIENT_NAME: Final = "00100010"

Posting = tuple[str, str]
"""Path and term of `tables.study_posting`."""


def inserting(table: Table) -> Insert:
    """Return the statement that inserts one row of all columns but a generated `id`."""
    return insert(table).values({column.name: bindparam(column.name) for column in table.c if column.name != "id"})


INSERT_KEYS: Final[Mapping[Level, Insert]] = {level: inserting(table).inline() for level, table in KEY_TABLES.items()}
DELETE_KEYS: Final[Mapping[Level, Delete]] = {
    level: delete(table).where(table.c.owner == bindparam("owner")) for level, table in KEY_TABLES.items()
}
_DELETE_KEY: Final[Mapping[Level, Delete]] = {
    level: delete(table).where(
        *(table.c[name] == bindparam(f"old_{name}") for name in ("owner", "path", "item", "position"))
    )
    for level, table in KEY_TABLES.items()
}
_KEYS: Final[Mapping[Level, Select[tuple[str, str, int, str, str]]]] = {
    level: select(table.c.path, table.c.item, table.c.position, table.c.value, table.c.rest).where(
        table.c.owner == bindparam("owner")
    )
    for level, table in KEY_TABLES.items()
}
_posting = tables.study_posting.c
_INSERT_POSTING: Final = inserting(tables.study_posting).inline()
_DELETE_POSTING: Final = delete(tables.study_posting).where(
    _posting.path == bindparam("old_path"),
    _posting.term == bindparam("old_term"),
    _posting.order_key == bindparam("old_order_key"),
)
_STUDY_ORDER: Final = select(tables.study.c.order_key, tables.study.c.visible).where(
    tables.study.c.id == bindparam("row")
)


@dataclass(frozen=True, slots=True)
class StudyPostings:
    """What a study's postings follow from; a study that is not visible has none."""

    order_key: str
    keys: frozenset[KeyRow]

    @property
    def rows(self) -> set[tuple[str, str, str]]:
        """Path, term and order key of each posting."""
        return {(path, term, self.order_key) for path, term in postings_of(self.keys)}


NO_POSTINGS: Final = StudyPostings("", frozenset())


def postings_of(keys: Iterable[KeyRow]) -> set[Posting]:
    """Return the postings that follow from a study's key rows."""
    found: set[Posting] = set()
    for key in keys:
        if key.path == MODALITIES_IN_STUDY:
            found.add((key.path, key.value))
        elif key.path == PATIENT_NAME:
            found.update((key.path, gram) for gram in grams_of(key.value))
    return found


def standing_keys(session: Session, level: Level, owner: int) -> frozenset[KeyRow]:
    """Return the key rows that an index holds of an owner."""
    return frozenset(KeyRow(*row) for row in session.rows(_KEYS[level], {"owner": owner}))


def standing_postings(session: Session, owner: int, keys: frozenset[KeyRow]) -> StudyPostings:
    """Return what the postings of a study follow from, before its row is written."""
    order_key, visible = session.only(_STUDY_ORDER, {"row": owner})
    return StudyPostings(order_key, keys) if visible else NO_POSTINGS


def replace_keys(
    session: Session, level: Level, owner: int, standing: frozenset[KeyRow], wanted: frozenset[KeyRow]
) -> None:
    """Write the difference between the key rows that there are and those that there should be."""
    # SQLite appends fastest in the order of the primary key.
    gone, new = (sorted(rows, key=_place) for rows in (standing - wanted, wanted - standing))
    session.run_many(
        _DELETE_KEY[level],
        [
            {"old_owner": owner, "old_path": row.path, "old_item": row.item, "old_position": row.position}
            for row in gone
        ],
    )
    session.run_many(INSERT_KEYS[level], [key_values(owner, row) for row in new])


def _place(row: KeyRow) -> tuple[str, str, int]:
    return row.path, row.item, row.position


@dataclass(frozen=True, slots=True)
class PostingChange:
    """The postings of a study before and after."""

    owner: int
    standing: StudyPostings
    wanted: StudyPostings


def replace_postings(session: Session, changes: Iterable[PostingChange]) -> None:
    """Write the differences between the postings that there are and those that there should be.

    All of a transaction at once and in order: studies share terms, and so the pages that are written.
    """
    gone: list[tuple[str, str, str]] = []
    new: list[tuple[str, str, str, int]] = []
    for change in changes:
        if change.standing != change.wanted:
            before, after = change.standing.rows, change.wanted.rows
            gone += before - after
            new += [(*row, change.owner) for row in after - before]
    session.run_many(
        _DELETE_POSTING,
        [{"old_path": path, "old_term": term, "old_order_key": key} for path, term, key in sorted(gone)],
    )
    session.run_many(
        _INSERT_POSTING,
        [{"path": path, "term": term, "order_key": key, "owner": owner} for path, term, key, owner in sorted(new)],
    )


def key_values(owner: int, row: KeyRow) -> dict[str, Value]:
    """Return the parameters of `INSERT_KEYS`."""
    return {
        "owner": owner,
        "path": row.path,
        "item": row.item,
        "position": row.position,
        "value": row.value,
        "rest": row.rest,
    }
