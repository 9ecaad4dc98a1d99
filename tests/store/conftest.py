"""The index of a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.store.database.database import Database
from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy
from indexes import OpenIndex


@pytest.fixture
def open_index(index_url: str, tmp_path: Path) -> Iterator[OpenIndex]:
    """Yield a function that opens the index; all are closed after the test."""
    opened: list[Index] = []

    def open_(
        policy: DuplicatePolicy = DuplicatePolicy.REJECT,
        instance_keys: tuple[str, ...] = (),
        scan_limit: int = 1000,
    ) -> Index:
        index = Index.open(
            index_url,
            lock_path=tmp_path / "index.lock",
            duplicates=policy,
            instance_keys=instance_keys,
            scan_limit=scan_limit,
        )
        opened.append(index)
        return index

    yield open_
    for index in opened:
        index.close()


@pytest.fixture
def index(open_index: OpenIndex) -> Index:
    """Return an open, empty index."""
    return open_index()


@pytest.fixture
def database(index_url: str) -> Iterator[Database]:
    """Yield the database of an empty index, without a writer."""
    database = Database(index_url)
    yield database
    database.drop_idle()
