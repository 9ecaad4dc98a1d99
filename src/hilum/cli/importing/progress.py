"""How far an import is: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hilum.cli.importing.run import ImportRun
from hilum.cli.importing.sources import FileCandidate, offers
from hilum.cli.importing.tally import Tally

_LINE_EVERY_S: Final = 10.0


class FileCount:
    """Counts the files below some paths in a thread of its own, so that the import can start at once."""

    def __init__(self, paths: Sequence[Path], excluded: frozenset[tuple[int, int]]) -> None:
        """Start counting."""
        self._paths = paths
        self._excluded = excluded
        self.total: int | None = None
        """None until all are counted."""
        threading.Thread(target=self._count, name="count", daemon=True).start()

    def _count(self) -> None:
        found = (offer for path in self._paths for offer in offers(path, excluded=self._excluded))
        self.total = sum(isinstance(offer, FileCandidate) for offer in found)


@dataclass(slots=True)
class _Pace:
    """What has been done since the start, in words."""

    tally: Tally
    started: float

    def rate(self) -> float:
        """Return candidates a second."""
        return self.tally.candidates / max(time.monotonic() - self.started, 1e-3)

    def text(self) -> str:
        """Return the rates."""
        megabytes = self.tally.taken_bytes / 1e6 / max(time.monotonic() - self.started, 1e-3)
        failed = f", {self.tally.failed:,} failed" if self.tally.failed else ""
        return f"{self.rate():,.0f} files/s, {megabytes:,.1f} MB/s{failed}"


@contextmanager
def progress(console: Console, tally: Tally, count: FileCount, run: ImportRun) -> Iterator[_Report]:
    """Show the progress of `run` as long as the context lasts; call what it yields to bring it up to date."""
    pace = _Pace(tally, time.monotonic())
    if not console.is_terminal:
        yield _Lines(console, pace, count, run)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as bar:
        yield _Bar(bar, pace, count, run)


class _Bar:
    """A bar of rich."""

    def __init__(self, bar: Progress, pace: _Pace, count: FileCount, run: ImportRun) -> None:
        self._bar, self._pace, self._count, self._run = bar, pace, count, run
        self._task = bar.add_task("Importing", total=None, pace="")

    def __call__(self) -> None:
        total = self._count.total
        self._bar.update(
            self._task,
            completed=self._pace.tally.candidates,
            total=None if total is None else total + self._run.members,
            description="Finishing" if self._run.ended_early else "Importing",
            pace=self._pace.text(),
        )


class _Lines:
    """A plain line every few seconds."""

    def __init__(self, console: Console, pace: _Pace, count: FileCount, run: ImportRun) -> None:
        self._console, self._pace, self._count, self._run = console, pace, count, run
        self._next = time.monotonic() + _LINE_EVERY_S

    def __call__(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _LINE_EVERY_S
        done = self._pace.tally.candidates
        line = f"{done:,} files, {self._pace.text()}"
        if self._count.total is not None:
            left = max(self._count.total + self._run.members - done, 0)
            line += f", {_duration(left / max(self._pace.rate(), 1e-3))} left"
        self._console.print(line, markup=False, highlight=False)


_Report = _Bar | _Lines


def _duration(seconds: float) -> str:
    """Return a duration in words.

    >>> _duration(59.6), _duration(7260)
    ('60 s', '2 h 01 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
