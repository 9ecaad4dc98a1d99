from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from command_line import STUDY
from hilum.cli.invocation.archives import existing_archive
from hilum.cli.server.housekeeping import housekeeping, keep_house_once
from hilum.config import Settings, TrashSettings
from hilum.store.rows.records import State

DAY_S = 86_400


def rows(settings: Settings) -> int:
    with existing_archive(settings) as archive:
        return sum(row.state is not State.GONE for row in archive.index.rows())


def test_the_trash_is_emptied_when_its_time_has_come(
    data: Path, stored: list[str], hilum: Callable[..., Result]
) -> None:
    settings = Settings(data=data, trash=TrashSettings(keep_days=2))
    hilum("delete", STUDY)

    keep_house_once(settings, now=time.time() + DAY_S)
    before = rows(settings)
    keep_house_once(settings, now=time.time() + 3 * DAY_S)

    assert (before, rows(settings)) == (len(stored), 0)


def test_the_thread_ends_with_its_context(data: Path) -> None:
    with housekeeping(Settings(data=data)):
        assert "housekeeping" in {thread.name for thread in threading.enumerate()}

    assert "housekeeping" not in {thread.name for thread in threading.enumerate()}
