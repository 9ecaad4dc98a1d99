from __future__ import annotations

import io
import time
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from hilum.cli.importing import progress as module
from hilum.cli.importing.progress import FileCount, progress
from hilum.cli.importing.run import ImportRun
from hilum.cli.importing.tally import Tally
from hilum.config import Settings


def counted(folder: Path) -> FileCount:
    count = FileCount([folder], frozenset())
    deadline = time.monotonic() + 5
    while count.total is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return count


def shown(folder: Path, *, terminal: bool) -> str:
    for name in range(4):
        (folder / str(name)).touch()
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    with closing(Tally.empty()) as tally:
        run = ImportRun([folder], Settings(data=folder), tally, processes=1)
        with progress(console, tally, counted(folder), run) as show:
            tally.candidates = 3
            show()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_shows_how_many_of_all_files_are_done(tmp_path: Path) -> None:
    assert "3/4" in shown(tmp_path, terminal=True)


def test_elsewhere_plain_lines_tell_count_rate_and_remaining_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LINE_EVERY_S", 0.0)

    line = shown(tmp_path, terminal=False)

    assert line.startswith("3 files, ")
    assert line.endswith(" s left\n")
    assert "\x1b" not in line
