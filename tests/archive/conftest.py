"""Archives with a fresh index, in a temporary folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from archives import opened
from hilum.archive.archive import Archive
from hilum.store.blobs.folder import FolderBlobs


@pytest.fixture(scope="session")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder that tests have in turn: to make its 4,096 folders for each would take long."""
    data = tmp_path_factory.mktemp("archive")
    FolderBlobs.create(data)
    return data


@pytest.fixture
def empty_folder(used_folder: Path) -> Path:
    """Return a data folder without blobs and without an index."""
    for folder, _, names in os.walk(used_folder):
        for name in names:
            Path(folder, name).unlink()
    return used_folder


@pytest.fixture
def folder(empty_folder: Path, sqlite_template: Path) -> Path:
    """Return a data folder with an empty index on SQLite."""
    shutil.copyfile(sqlite_template, empty_folder / "index.db")
    return empty_folder


@pytest.fixture
def archive(folder: Path) -> Iterator[Archive]:
    """Yield an empty archive on SQLite."""
    with opened(folder) as archive:
        yield archive


@pytest.fixture(scope="module")
def shared_archive(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Archive]:
    """Yield one archive for the tests of a module, each of which stores objects of its own."""
    data = tmp_path_factory.mktemp("archive")
    FolderBlobs.create(data)
    shutil.copyfile(sqlite_template, data / "index.db")
    with opened(data) as archive:
        yield archive


@pytest.fixture
def each_archive(empty_folder: Path, index_url: str) -> Iterator[Archive]:
    """Yield an empty archive on each kind of database."""
    with opened(empty_folder, index_url) as archive:
        yield archive
