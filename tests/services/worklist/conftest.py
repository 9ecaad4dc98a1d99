"""An archive with a fresh index, in a temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from archives import opened
from hilum.archive.archive import Archive
from hilum.store.blobs.folder import FolderBlobs


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("archive")
    FolderBlobs.create(folder)
    shutil.copyfile(sqlite_template, folder / "index.db")
    with opened(folder) as archive:
        yield archive
