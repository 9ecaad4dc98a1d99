from __future__ import annotations

import multiprocessing
from pathlib import Path

from hilum.cli.importing.sources import FileCandidate
from hilum.cli.importing.tally import BatchResult
from hilum.cli.importing.worker import CannotWork, work
from hilum.config import Settings


def answer(settings: Settings, *batches: list[FileCandidate]) -> list[BatchResult | CannotWork]:
    """Run a worker in a process of its own, give it the batches and return what it says."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(settings, theirs))
    process.start()
    theirs.close()
    answers = []
    for batch in batches:
        ours.send(batch)
        answers.append(ours.recv())
    ours.close()
    process.join(20)
    assert process.exitcode == 0
    return answers


def test_a_worker_without_archive_says_so(tmp_path: Path) -> None:
    (only,) = answer(Settings(data=tmp_path / "none"), [FileCandidate(str(tmp_path), 0, named=True)])

    assert isinstance(only, CannotWork)
