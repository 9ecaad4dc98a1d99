"""Postings of studies in the order of the answer, and the words of person names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from sqlalchemy.dialects import postgresql

from hilum.store.database.names import grams_of, words_of

revision = "0002"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

MODALITIES = "00080061"
PATIENT_NAME = "00100010"
OWNERS = 1000


def upgrade() -> None:
    """Make the table of postings, and fill in what follows from the key rows of an older index."""
    op.create_table(
        "study_posting",
        sa.Column("path", TEXT, nullable=False),
        sa.Column("term", TEXT, nullable=False),
        sa.Column("order_key", TEXT, nullable=False),
        sa.Column("owner", KEY, nullable=False),
        sa.PrimaryKeyConstraint("path", "term", "order_key", name=op.f("pk_study_posting")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    _fill_postings(connection)
    for table in ("study_key", "series_key", "instance_key", "workitem_key"):
        _fill_words(connection, table)


def _fill_postings(connection: sa.Connection) -> None:
    insert = sa.text(
        "INSERT INTO study_posting (path, term, order_key, owner) VALUES (:path, :term, :order_key, :owner) "
        "ON CONFLICT DO NOTHING"
    )
    found = sa.text(
        "SELECT k.owner, k.value, s.order_key FROM study_key k JOIN study s ON s.id = k.owner "
        "WHERE k.owner BETWEEN :first AND :last AND k.path = :path AND s.visible = 1"
    )
    for path in (MODALITIES, PATIENT_NAME):
        for rows in _batches(connection, "study_key", found, path):
            terms = [
                {"path": path, "term": term, "order_key": order_key, "owner": owner}
                for owner, value, order_key in rows
                for term in ([value] if path == MODALITIES else sorted(grams_of(value)))
            ]
            if terms:
                connection.execute(insert, terms)


def _fill_words(connection: sa.Connection, table: str) -> None:
    insert = sa.text(
        f"INSERT INTO {table} (owner, path, item, position, value, rest) "  # noqa: S608 - the table is a constant
        "VALUES (:owner, :path, :item, :position, :value, '')"
    )
    found = sa.text(
        f"SELECT owner, item, value FROM {table} "  # noqa: S608 - the table is a constant
        "WHERE owner BETWEEN :first AND :last AND path = :path ORDER BY owner, item, position"
    )
    for path in _name_paths(connection, table):
        for rows in _batches(connection, table, found, path):
            words: dict[tuple[int, str], dict[str, None]] = {}
            for owner, item, value in rows:
                words.setdefault((owner, item), {}).update(dict.fromkeys(words_of(value)))
            keys = [
                {"owner": owner, "path": f"{path}.~", "item": item, "position": position, "value": word[:200]}
                for (owner, item), found_words in words.items()
                for position, word in enumerate(found_words)
            ]
            if keys:
                connection.execute(insert, keys)


def _name_paths(connection: sa.Connection, table: str) -> list[str]:
    """Return the paths of person names in a key table: each found by one step in its index."""
    following = sa.text(f"SELECT min(path) FROM {table} WHERE path > :path")  # noqa: S608 - the table is a constant
    found: list[str] = []
    path = connection.execute(following, {"path": ""}).scalar()
    while path is not None:
        tag = int(path[-8:], 16)
        if dictionary_has_tag(tag) and dictionary_VR(tag) == "PN":
            found.append(path)
        path = connection.execute(following, {"path": path}).scalar()
    return found


def _batches(connection: sa.Connection, table: str, statement: sa.TextClause, path: str) -> Iterator[Sequence[Any]]:
    """Yield what a statement finds, some owners at a time: no cursor stays open while rows are written."""
    last = connection.execute(sa.text(f"SELECT max(owner) FROM {table}")).scalar() or 0  # noqa: S608 - a constant
    for first in range(0, last + 1, OWNERS):
        values = {"first": first, "last": first + OWNERS - 1, "path": path}
        yield connection.execute(statement, values).fetchall()
