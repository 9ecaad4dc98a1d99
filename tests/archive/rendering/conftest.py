from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.archive.archive import Archive
from render_sources import fresh_archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with fresh_archive(tmp_path / "data") as opened:
        yield opened
