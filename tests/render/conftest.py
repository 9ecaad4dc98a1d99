from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.archive.archive import Archive
from render_sources import fresh_archive


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """One archive for all tests of the pipeline: each stores objects of its own."""
    with fresh_archive(Path(tmp_path_factory.mktemp("archive"))) as opened:
        yield opened
