from __future__ import annotations

from pathlib import Path

import pytest

from hilum.store.database.database import Database, IndexUnusable
from hilum.store.database.schema import REVISIONS, check_schema
from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy


def open_(url: str) -> Index:
    return Index.open(url, lock_path=None, duplicates=DuplicatePolicy.REJECT, instance_keys=(), scan_limit=1)


def test_an_index_without_tables_is_unusable(blank_url: str) -> None:
    with pytest.raises(IndexUnusable, match="must be migrated"):
        open_(blank_url)


@pytest.mark.parametrize(("version", "reason"), [("9999", "newer version"), ("0000", "newer version")])
def test_an_index_of_an_unknown_version_is_unusable(index_url: str, version: str, reason: str) -> None:
    database = Database(index_url)
    database.read(lambda session: session.control(f"UPDATE alembic_version SET version_num = '{version}'"))

    with pytest.raises(IndexUnusable, match=reason):
        check_schema(database)
    database.drop_idle()


def test_an_index_of_an_older_version_is_unusable(index_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hilum.store.database.schema.REVISIONS", (*REVISIONS, "9998"))

    with pytest.raises(IndexUnusable, match="older version"):
        open_(index_url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host/db",
        "nonsense",
        "sqlite://",
        "sqlite:////nowhere/at/all/index.db",
        "postgresql:///db?host=/nowhere/at/all",
    ],
)
def test_an_unreachable_index_is_named_as_such(url: str) -> None:
    with pytest.raises(IndexUnusable):
        open_(url)


def test_a_file_that_is_no_database_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(IndexUnusable):
        open_(f"sqlite:///{path}")
