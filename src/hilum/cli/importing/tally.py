"""What became of the candidates of an import, and the report of it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

_SHOWN_FAILURES: Final = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """One candidate that was not taken in, and why."""

    label: str
    reason: str
    code: str = ""
    """Failure Reason (0008,1197) in four hex digits; '' where the object was not reached."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a worker answers to one batch."""

    candidates: int
    taken_bytes: int
    outcomes: Counter[str]
    """How many were `stored`, `identical`, `replaced`, `kept first`, `no DICOM`, `DICOMDIR`, `archive`, `failed`."""
    failures: Sequence[Failure]
    archives: Sequence[str]
    """Zip archives that were found among the candidates."""
    out_of_resources: str
    """Why nothing more can be stored; '' while it can."""


@dataclass(slots=True)
class Tally:
    """Sums over all batches; failures go to a spool, so that millions of them take no memory."""

    spool: IO[str]
    candidates: int = 0
    taken_bytes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    shown: list[Failure] = field(default_factory=list)

    @classmethod
    def empty(cls) -> Self:
        """Return a tally of nothing yet."""
        return cls(tempfile.TemporaryFile("w+", encoding="utf-8"))

    @property
    def failed(self) -> int:
        """Candidates that failed."""
        return self.outcomes["failed"]

    def add(self, result: BatchResult) -> None:
        """Add what one batch came to."""
        self.candidates += result.candidates
        self.taken_bytes += result.taken_bytes
        self.outcomes += result.outcomes
        for failure in result.failures:
            self._note(failure)

    def fail(self, failure: Failure) -> None:
        """Add one failure that no batch reports."""
        self.outcomes["failed"] += 1
        self._note(failure)

    def skip_link(self) -> None:
        """Add one symbolic link that was not followed."""
        self.outcomes["symbolic link"] += 1

    def _note(self, failure: Failure) -> None:
        if len(self.shown) < _SHOWN_FAILURES:
            self.shown.append(failure)
        record = {"source": failure.label, "reason": failure.reason, "code": failure.code}
        self.spool.write(json.dumps(record) + "\n")

    def summary(self) -> str:
        """Return the counts as one sentence.

        >>> tally = Tally.empty()
        >>> tally.outcomes.update({"stored": 3, "no DICOM": 1})
        >>> tally.summary()
        '3 stored, 0 stored before, 1 skipped (1 no DICOM), 0 failed.'
        >>> tally.close()
        """
        counts = self.outcomes
        skipped = {kind: counts[kind] for kind in ("no DICOM", "DICOMDIR", "archive", "symbolic link") if counts[kind]}
        # An archive is opened: its members are counted, itself is not.
        skipped.pop("archive", None)
        parts = [f"{counts['stored']:,} stored", f"{counts['identical']:,} stored before"]
        if counts["replaced"]:
            parts.append(f"{counts['replaced']:,} replaced")
        if counts["kept first"]:
            parts.append(f"{counts['kept first']:,} differ from what is stored, which stays")
        reasons = ", ".join(f"{count:,} {kind}" for kind, count in skipped.items())
        parts.append(f"{sum(skipped.values()):,} skipped" + (f" ({reasons})" if reasons else ""))
        parts.append(f"{self.failed:,} failed")
        return ", ".join(parts) + "."

    def write_report(self, file: Path, *, interrupted: str) -> None:
        """Write all counts and all failures as one JSON object.

        Args:
            file: replaced once the report is complete.
            interrupted: why the import ended early; '' if it did not.
        """
        draft = file.with_name(f"{file.name}.part")
        counts = {kind: self.outcomes[kind] for kind in sorted(self.outcomes)}
        head = json.dumps({"candidates": self.candidates, "bytes": self.taken_bytes, "interrupted": interrupted})
        self.spool.seek(0)
        with draft.open("w", encoding="utf-8") as report:
            report.write(f'{head[:-1]}, "counts": {json.dumps(counts)}, "failures": [')
            for number, line in enumerate(self.spool):
                report.write(("," if number else "") + "\n" + line.rstrip("\n"))
            report.write("\n]}\n")
        draft.replace(file)

    def close(self) -> None:
        """Drop the spool."""
        self.spool.close()
