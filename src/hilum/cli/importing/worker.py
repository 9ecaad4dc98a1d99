"""The process that ingests batches of candidates; an import runs several."""

from __future__ import annotations

import logging
import signal
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from hilum.app import open_archive
from hilum.archive.archive import Archive, ArchiveUnusable
from hilum.archive.ingest import FailureReason, ingest
from hilum.cli.importing.reading import CandidateReader, CandidateUnreadable, NotTaken
from hilum.cli.importing.sources import Candidate, FileCandidate
from hilum.cli.importing.tally import BatchResult, Failure
from hilum.cli.server.cores import settle
from hilum.config import Settings
from hilum.errors import OutOfResources

_THREADS: Final = 8
"""Instances in flight: while one waits for the disk others are scanned, and commits are shared."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CannotWork:
    """The worker ends before it began: the archive cannot be opened."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of one candidate."""

    outcome: str
    size_bytes: int = 0
    failure: Failure | None = None
    archive: str = ""
    out_of_resources: str = ""


def work(settings: Settings, batches: Connection) -> None:
    """Ingest each batch that `batches` brings and answer with its `BatchResult`; end with the connection."""
    # The parent decides when to end: what is in flight is finished then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with (
            settle(settings.data / "run" / "import") or nullcontext(),
            open_archive(settings) as archive,
            CandidateReader(archive.blobs, max_object_bytes=settings.http.max_object_bytes) as reader,
            ThreadPoolExecutor(_THREADS) as threads,
        ):
            while (batch := _received(batches)) is not None:
                batches.send(_ingest_batch(batch, archive, reader, threads))
    except ArchiveUnusable as error:
        batches.send(CannotWork(str(error)))
    except BrokenPipeError:
        return


def _received(batches: Connection) -> Sequence[Candidate] | None:
    try:
        batch: Sequence[Candidate] | None = batches.recv()
    except EOFError:
        return None
    return batch


def _ingest_batch(
    batch: Sequence[Candidate], archive: Archive, reader: CandidateReader, threads: ThreadPoolExecutor
) -> BatchResult:
    taken = list(threads.map(lambda candidate: _ingest_one(candidate, archive, reader), batch))
    return BatchResult(
        candidates=len(batch),
        taken_bytes=sum(one.size_bytes for one in taken),
        outcomes=Counter(one.outcome for one in taken),
        failures=[one.failure for one in taken if one.failure is not None],
        archives=[one.archive for one in taken if one.archive],
        out_of_resources=next((one.out_of_resources for one in taken if one.out_of_resources), ""),
    )


def _ingest_one(candidate: Candidate, archive: Archive, reader: CandidateReader) -> _Taken:
    try:
        staged = reader.stage(candidate)
        if isinstance(staged, NotTaken):
            return _Taken(staged.value, archive=_path_of(candidate) if staged is NotTaken.ARCHIVE else "")
        result = ingest(staged, archive=archive)
    except CandidateUnreadable as error:
        return _failed(candidate, str(error))
    except OutOfResources as error:
        return _failed(candidate, str(error), code=FailureReason.OUT_OF_RESOURCES, out_of_resources=str(error))
    except Exception:  # noqa: BLE001 - the outermost layer for one candidate: its neighbours must not pay
        _log.exception("Importing %s failed.", candidate.label)
        return _failed(candidate, "An unexpected error; the log tells more.", code=FailureReason.PROCESSING_FAILURE)
    if result.failure is not None:
        full = result.text if result.failure is FailureReason.OUT_OF_RESOURCES else ""
        return _failed(candidate, result.text, code=result.failure, out_of_resources=full)
    return _Taken(result.outcome.value if result.outcome else "failed", candidate.size_bytes)


def _failed(
    candidate: Candidate, reason: str, *, code: FailureReason | None = None, out_of_resources: str = ""
) -> _Taken:
    failure = Failure(candidate.label, reason, f"{code.value:04X}" if code else "")
    return _Taken("failed", failure=failure, out_of_resources=out_of_resources)


def _path_of(candidate: Candidate) -> str:
    return candidate.path if isinstance(candidate, FileCandidate) else ""
