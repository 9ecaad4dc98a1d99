"""What a transfer came to: counts on the way, failures with their reasons, a report at the end."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY_S: Final = 10.0
_SHOWN_FAILURES: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: a file that was sent, or an instance that was fetched."""

    label: str
    what: str
    """`sent`, `fetched`, `there already`, `failed`, ..."""
    reason: str = ""
    size_bytes: int = 0
    url: str = ""


@dataclass(slots=True)
class TransferTally:
    """Sums of a transfer; safe for many threads."""

    console: Console
    action: str
    """Such as `Sending`."""
    total: int | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started: float = field(default_factory=time.monotonic)
    _next_line: float = 0.0
    _bar: Progress | None = None

    def add(self, outcome: Outcome) -> None:
        """Add one item."""
        with self._lock:
            self.outcomes.append(outcome)
            self.bytes += outcome.size_bytes
            self._show()

    @property
    def counts(self) -> Counter[str]:
        """Items by what became of them."""
        return Counter(outcome.what for outcome in self.outcomes)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show progress as long as the context lasts: a bar on a terminal, else a line every few seconds."""
        self._next_line = time.monotonic() + _LINE_EVERY_S
        if not self.console.is_terminal:
            yield
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, refresh_per_second=4) as self._bar:
            self._bar.add_task(self.action, total=None, pace="")
            yield
        self._bar = None

    def _show(self) -> None:
        done, seconds = len(self.outcomes), max(time.monotonic() - self._started, 1e-3)
        pace = f"{done / seconds:,.0f} a second, {self.bytes / 1e6 / seconds:,.1f} MB/s"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=self.total, pace=pace)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY_S
            of = f" of {self.total:,}" if self.total is not None else ""
            self.console.print(f"{done:,}{of}, {pace}", markup=False, highlight=False)

    def print_failures(self) -> None:
        """Print the first failures, each with its reason."""
        failures = [outcome for outcome in self.outcomes if outcome.what == "failed"]
        for outcome in failures[:_SHOWN_FAILURES]:
            self.console.print(f"{outcome.label}: {outcome.reason}", markup=False, highlight=False, soft_wrap=True)
        if len(failures) > _SHOWN_FAILURES:
            more = len(failures) - _SHOWN_FAILURES
            self.console.print(f"and {more:,} failures more: --report FILE lists all.", markup=False)

    def summary(self) -> str:
        """Return the counts as one sentence."""
        counts = self.counts
        counts.setdefault("failed", 0)
        parts = [f"{count:,} {what}" for what, count in sorted(counts.items()) if what != "failed"]
        return ", ".join([*parts, f"{counts['failed']:,} failed"]) + f"; {self.bytes / 1e6:,.1f} MB."

    def write_report(self, file: Path) -> None:
        """Write counts and every item as JSON; an existing file is replaced once the report is complete."""
        draft = file.with_name(f"{file.name}.part")
        items = [
            {"item": one.label, "outcome": one.what, "reason": one.reason, "bytes": one.size_bytes, "url": one.url}
            for one in self.outcomes
        ]
        report = {"counts": dict(self.counts), "bytes": self.bytes, "items": items}
        draft.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        draft.replace(file)
