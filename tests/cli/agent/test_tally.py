from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from hilum.cli.agent.tally import Outcome, TransferTally


def tally() -> TransferTally:
    return TransferTally(Console(file=io.StringIO(), width=200), "Sending")


def test_the_summary_counts_each_outcome() -> None:
    sums = tally()

    sums.add(Outcome("a", "sent", size_bytes=2_000_000))
    sums.add(Outcome("b", "failed", "why"))

    assert sums.summary() == "1 sent, 1 failed; 2.0 MB."


def test_the_report_names_every_item(tmp_path: Path) -> None:
    sums = tally()
    sums.add(Outcome("a", "sent", size_bytes=3, url="http://host/a"))

    sums.write_report(tmp_path / "report.json")

    report = json.loads((tmp_path / "report.json").read_text())
    assert report["counts"] == {"sent": 1}
    assert report["items"] == [{"item": "a", "outcome": "sent", "reason": "", "bytes": 3, "url": "http://host/a"}]


def test_failures_are_printed_with_their_reasons() -> None:
    sums = tally()
    for number in range(25):
        sums.add(Outcome(f"file {number}", "failed", "why"))

    with sums.shown():
        sums.print_failures()

    assert isinstance(sums.console.file, io.StringIO)
    text = sums.console.file.getvalue()
    assert "file 19: why" in text
    assert "file 20" not in text
    assert "5 failures more" in text
