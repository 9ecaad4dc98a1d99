"""Which versions of the schema there are, and which one a database has."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, MetaData, String, Table, select

from hilum.store.database.database import DRIVER_ERRORS, Database, IndexUnusable, Kind, Session

REVISIONS: Final = ("0001", "0003", "0004", "0002", "0005")
"""Versions of the schema, oldest first; the last one is what this program works on."""

_version: Final = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
_VERSION: Final = select(_version.c.version_num)


def check_schema(database: Database) -> None:
    """Check that the database has exactly the schema that this program works on.

    Raises:
        IndexUnusable: it is unreachable, not made yet, older or newer, or its encoding is not UTF-8.
    """

    def work(session: Session) -> str | None:
        if database.kind is Kind.POSTGRESQL:
            check_encoding(session)
        row = session.row(_VERSION, {})
        return None if row is None else str(row[0])

    database.probe()
    try:
        revision = database.read(work)
    except DRIVER_ERRORS as error:
        raise IndexUnusable("The index has no tables yet; it must be migrated first.") from error
    check_revision(revision)
    if revision != REVISIONS[-1]:
        raise IndexUnusable("The index has the schema of an older version; it must be migrated first.")


def check_revision(revision: str | None) -> None:
    """Check that this program knows the version of a schema.

    Raises:
        IndexUnusable: it was written by a newer program.
    """
    if revision is not None and revision not in REVISIONS:
        raise IndexUnusable("The index was written by a newer version of this program, which must be used on.")


def check_encoding(session: Session) -> None:
    """Check that a PostgreSQL database can hold every character.

    Raises:
        IndexUnusable: its encoding is not UTF-8.
    """
    encoding = session.driver.execute("SHOW server_encoding").fetchone()[0]
    if encoding != "UTF8":
        raise IndexUnusable(f"The database of the index has the encoding {encoding}; it must be UTF8.")
