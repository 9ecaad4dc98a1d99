from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

from hilum.cli.importing.tally import BatchResult, Failure, Tally


def result(failures: list[Failure], **outcomes: int) -> BatchResult:
    return BatchResult(sum(outcomes.values()), 10, Counter(outcomes), failures, (), "")


def test_a_tally_adds_up() -> None:
    with closing(Tally.empty()) as tally:
        tally.add(result([], stored=3))
        tally.add(result([Failure("b", "broken", "C000")], stored=1, failed=1))
        tally.skip_link()

        assert (tally.candidates, tally.taken_bytes, tally.failed) == (5, 20, 1)
        assert tally.summary() == "4 stored, 0 stored before, 1 skipped (1 symbolic link), 1 failed."


def test_only_the_first_failures_are_kept_in_memory_and_the_report_has_all(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with closing(Tally.empty()) as tally:
        for number in range(1000):
            tally.fail(Failure(f"file {number}\udcff\n", "cannot be read"))

        tally.write_report(report, interrupted="Why.")

        assert len(tally.shown) == 20
    content = json.loads(report.read_text(encoding="utf-8"))
    assert (len(content["failures"]), content["counts"], content["interrupted"]) == (1000, {"failed": 1000}, "Why.")
    assert content["failures"][3] == {"source": "file 3\udcff\n", "reason": "cannot be read", "code": ""}
    assert list(tmp_path.iterdir()) == [report]


def test_a_report_without_failures_is_json(tmp_path: Path) -> None:
    with closing(Tally.empty()) as tally:
        tally.write_report(tmp_path / "report.json", interrupted="")

    assert json.loads((tmp_path / "report.json").read_text())["failures"] == []
