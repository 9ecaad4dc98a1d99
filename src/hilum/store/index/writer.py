"""The one thread of a process that writes the index: what waits is committed together (group commit).

It never waits for company: while one commit reaches the disk the next instances queue up, and they are the next
group. A single store is therefore committed at once.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from hilum.errors import OutOfResources
from hilum.store.database.database import (
    DRIVER_ERRORS,
    Database,
    Driver,
    Kind,
    Session,
    TransactionLost,
    file_lock,
    is_dropped,
    transaction,
)
from hilum.store.rows.events import CHANNEL
from hilum.store.rows.recording import Recorder
from hilum.store.rows.records import DuplicatePolicy, NewInstance, Recorded

T = TypeVar("T")

_GROUP: Final = 64
"""Most instances of one commit."""

_COLLECT_S: Final = 0.005
"""Longest time that one group is collected, so that an endless stream of instances is committed in between."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """An instance that waits to be recorded."""

    instance: NewInstance
    answer: Future[Recorded]

    @property
    def order(self) -> tuple[str, str, str]:
        """Key of the order of a group: locks are taken in it, so that processes cannot wait for each other."""
        one = self.instance
        return one.study_instance_uid, one.series_instance_uid, one.sop_instance_uid


@dataclass(frozen=True, slots=True)
class _Change(Generic[T]):
    """Any other change; it has a transaction of its own."""

    work: Callable[[Session], T]
    answer: Future[T]


_Job = _Offer | _Change[object] | None


class Writer:
    """The queue to the writing thread, and the thread."""

    def __init__(
        self,
        database: Database,
        lock_path: Path | None,
        policy: DuplicatePolicy,
        instance_keys: frozenset[str],
    ) -> None:
        """Start the thread.

        Args:
            database: what it writes.
            lock_path: file lock that every process of a SQLite index takes to write; None on PostgreSQL.
            policy: what happens to a different object under a live SOP Instance UID.
            instance_keys: tags of instance-level attributes that get key rows.
        """
        self._database: Final = database
        self._lock_path: Final = lock_path if database.kind is Kind.SQLITE else None
        self._policy: Final = policy
        self._instance_keys: Final = instance_keys
        self._jobs: Final[queue.SimpleQueue[_Job]] = queue.SimpleQueue()
        self._driver: Driver | None = None
        self._closing: Final = threading.Lock()
        self._is_closed = False
        self._thread: Final = threading.Thread(target=self._run, name="index-writer", daemon=True)
        self._thread.start()

    def offer(self, instance: NewInstance) -> Future[Recorded]:
        """Queue an instance; the answer comes after the commit, or as the exception that kept it out."""
        answer: Future[Recorded] = Future()
        self._put(_Offer(instance, answer))
        return answer

    def record_trashed(self, instance: NewInstance) -> None:
        """Give an instance that was in the trash its row back there, after the commit."""

        def work(session: Session) -> None:
            recorder = Recorder(session, self._policy, self._instance_keys)
            recorder.take_in_trashed(instance)
            recorder.finish()

        self.change(work)

    def change(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, after the commit of what it wrote."""
        answer: Future[T] = Future()
        self._put(_Change(work, answer))  # type: ignore[arg-type]  # a queue of changes of any result
        return answer.result()

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._jobs.put(None)
        self._thread.join()

    def _put(self, job: _Job) -> None:
        with self._closing:
            if self._is_closed:
                raise RuntimeError("The index is closed.")
            self._jobs.put(job)

    def _run(self) -> None:
        following: _Job | None = None
        while (job := following or self._jobs.get()) is not None:
            following = None
            if isinstance(job, _Change):
                self._carry_out(job)
                continue
            group, following, is_last = self._collect(job)
            self._record(group)
            if is_last:
                break
        if self._driver is not None:
            self._driver.close()

    def _collect(self, first: _Offer) -> tuple[list[_Offer], _Job, bool]:
        """Return a group that begins with `first`, the change behind it, and whether nothing follows any more."""
        group = [first]
        deadline = time.monotonic() + _COLLECT_S
        while len(group) < _GROUP and time.monotonic() < deadline:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if not isinstance(job, _Offer):
                return group, job, job is None
            group.append(job)
        return group, None, False

    def _record(self, group: Sequence[_Offer]) -> None:
        wanted = [offer for offer in group if offer.answer.set_running_or_notify_cancel()]
        wanted.sort(key=lambda offer: offer.order)
        if not wanted:
            return
        try:
            answers = self._commit(wanted)
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to those who wait for this commit
            if len(wanted) == 1 or isinstance(error, OutOfResources):
                answers = [self._once_more(offer, error) for offer in wanted]
            else:
                # One row may have spoilt the transaction for all: each gets one of its own.
                for offer in wanted:
                    self._record_alone(offer)
                return
        _answer(wanted, answers)

    def _record_alone(self, offer: _Offer) -> None:
        try:
            answers = self._commit([offer])
        except Exception as error:  # noqa: BLE001 - it goes to the one who waits
            answers = [self._once_more(offer, error)]
        _answer([offer], answers)

    def _once_more(self, offer: _Offer, error: Exception) -> Recorded | Exception:
        """Try one instance again after the connection dropped or a deadlock; otherwise the error is the answer."""
        if not isinstance(error, TransactionLost | ConnectionError) and not self._has_dropped():
            return error
        try:
            return self._commit([offer])[0]
        except Exception as again:  # noqa: BLE001 - it goes to the one who waits
            return again

    def _commit(self, group: Sequence[_Offer]) -> list[Recorded | Exception]:
        """Return the outcome of each instance after the commit."""
        with file_lock(self._lock_path):
            session = self._session()
            with transaction(session, self._database.kind):
                recorder = Recorder(session, self._policy, self._instance_keys)
                answers = [_taken_in(recorder, offer.instance) for offer in group]
                recorder.finish()
                self._notify(session)
        return answers

    def _carry_out(self, change: _Change[object]) -> None:
        if not change.answer.set_running_or_notify_cancel():
            return
        try:
            result = self._attempt(change)
        except Exception as error:  # noqa: BLE001 - it goes to the one who waits
            change.answer.set_exception(error)
        else:
            change.answer.set_result(result)

    def _attempt(self, change: _Change[object]) -> object:
        try:
            return self._transact(change)
        except (TransactionLost, *DRIVER_ERRORS) as error:
            if not isinstance(error, TransactionLost) and not self._has_dropped():
                raise
            return self._transact(change)

    def _transact(self, change: _Change[object]) -> object:
        with file_lock(self._lock_path):
            session = self._session()
            with transaction(session, self._database.kind):
                result = change.work(session)
                self._notify(session)
        return result

    def _session(self) -> Session:
        if self._driver is not None and is_dropped(self._driver):
            self._driver.close()
            self._driver = None
            self._database.drop_idle()
        if self._driver is None:
            self._driver = self._database.reconnect()
        return Session(self._database, self._driver)

    def _has_dropped(self) -> bool:
        return self._driver is not None and is_dropped(self._driver)

    def _notify(self, session: Session) -> None:
        if self._database.kind is Kind.POSTGRESQL:
            session.control(f"NOTIFY {CHANNEL}")


def _taken_in(recorder: Recorder, instance: NewInstance) -> Recorded | Exception:
    try:
        return recorder.take_in(instance)
    except (OutOfResources, TransactionLost):
        raise
    except Exception as error:  # noqa: BLE001 - one refused row never fails its neighbours
        return error


def _answer(offers: Sequence[_Offer], answers: Sequence[Recorded | Exception]) -> None:
    for offer, answer in zip(offers, answers, strict=True):
        if isinstance(answer, Exception):
            offer.answer.set_exception(answer)
        else:
            offer.answer.set_result(answer)
