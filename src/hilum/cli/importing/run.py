"""One import: candidates go out to worker processes in batches, and what became of them comes back.

A batch belongs to one worker at a time, so when a worker dies it is known on what: its batch is tried again
candidate by candidate, and the one that kills again is a failure like any other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from hilum.cli.importing.sources import Candidate, MemberCandidate, Offer, SkippedLink, Unreadable, members, offers
from hilum.cli.importing.tally import BatchResult, Failure, Tally
from hilum.cli.importing.worker import CannotWork, work
from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.server.process import MALLOC_ENVIRONMENT
from hilum.config import Settings

_BATCH_CANDIDATES: Final = 128
_BATCH_BYTES: Final = 64 * 1024 * 1024
_LOOK_UP_S: Final = 0.5
_DEATHS_IN_A_ROW: Final = 10
_END_PATIENCE_S: Final = 60.0


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    batch: Sequence[Candidate] = ()
    """What it is at work on; empty: nothing."""


class ImportRun:
    """An import under way; `run` carries it through once."""

    def __init__(self, paths: Sequence[Path], settings: Settings, tally: Tally, *, processes: int) -> None:
        """Import `paths` into the archive of `settings` with up to `processes` processes."""
        self._settings = settings
        self._tally = tally
        self._processes = processes
        self._workers: list[_Worker] = []
        self._again: deque[Candidate] = deque()
        self._sources: deque[Iterator[Offer]] = deque(
            offers(path, excluded=archive_folders(settings)) for path in paths
        )
        self._deaths = 0
        self.members = 0
        """Members of zip archives that were found so far."""
        self.ended_early = ""
        """Why the import stopped before its end; '' if it did not."""

    def stop(self, reason: str) -> None:
        """Offer nothing more: what is in flight is finished. May be called by a signal handler."""
        self.ended_early = self.ended_early or reason

    def run(self, report_progress: Callable[[], None]) -> None:
        """Carry the import through; `report_progress` is called after each answer, and twice a second.

        Raises:
            CommandFailed: the archive cannot be opened, or worker after worker dies.
        """
        try:
            while True:
                self._hand_out()
                busy = [worker for worker in self._workers if worker.batch]
                if not busy:
                    break
                ready = wait(
                    [worker.connection for worker in busy] + [worker.process.sentinel for worker in busy],
                    timeout=_LOOK_UP_S,
                )
                for worker in busy:
                    if worker.connection in ready or worker.process.sentinel in ready:
                        self._take_answer(worker)
                report_progress()
        finally:
            self._end_workers()

    def _hand_out(self) -> None:
        """Give every idle worker a batch, and start workers as long as there is more to do than they take."""
        while not self.ended_early:
            idle = next((worker for worker in self._workers if not worker.batch), None)
            if idle is None and len(self._workers) >= self._processes:
                return
            batch = self._next_batch()
            if not batch:
                return
            worker = idle or self._start_worker()
            worker.batch = batch
            try:
                worker.connection.send(batch)
            except BrokenPipeError:
                self._bury(worker)

    def _take_answer(self, worker: _Worker) -> None:
        try:
            answer: BatchResult | CannotWork = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._bury(worker)
            return
        if isinstance(answer, CannotWork):
            raise CommandFailed(answer.reason)
        self._deaths = 0
        worker.batch = ()
        self._tally.add(answer)
        for archive in answer.archives:
            offered = members(archive, ratio=self._settings.store.inflation_ratio)
            self.members += sum(isinstance(offer, MemberCandidate) for offer in offered)
            self._sources.appendleft(iter(offered))
        if answer.out_of_resources:
            self.stop(answer.out_of_resources)

    def _bury(self, worker: _Worker) -> None:
        """Forget a worker that died, and try its batch again one by one."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        self._deaths += 1
        if self._deaths >= _DEATHS_IN_A_ROW:
            raise CommandFailed("The processes of the import do not stay alive.")
        if len(worker.batch) == 1:
            self._tally.candidates += 1
            self._tally.fail(Failure(worker.batch[0].label, "The process that read it died of it."))
        else:
            self._again.extend(worker.batch)

    def _next_batch(self) -> list[Candidate]:
        if self._again:
            return [self._again.popleft()]
        batch: list[Candidate] = []
        size = 0
        while len(batch) < _BATCH_CANDIDATES and size < _BATCH_BYTES:
            candidate = self._next_candidate()
            if candidate is None:
                break
            batch.append(candidate)
            size += candidate.size_bytes
        return batch

    def _next_candidate(self) -> Candidate | None:
        while self._sources:
            for offer in self._sources[0]:
                if isinstance(offer, SkippedLink):
                    self._tally.skip_link()
                elif isinstance(offer, Unreadable):
                    self._tally.fail(Failure(offer.label, offer.reason))
                else:
                    return offer
            self._sources.popleft()
        return None

    def _start_worker(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(self._settings, theirs), name="hilum-import", daemon=True)
        for name, value in MALLOC_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        with _without_interrupts():
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(_END_PATIENCE_S)


def archive_folders(settings: Settings) -> frozenset[tuple[int, int]]:
    """Return device and inode of the data folder: importing it into itself would never end."""
    status = settings.data.stat()
    return frozenset({(status.st_dev, status.st_ino)})


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a new process start with Ctrl-C blocked: it reaches every process of a terminal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
