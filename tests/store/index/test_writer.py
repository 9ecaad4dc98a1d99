from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import psycopg
import pytest

from hilum.errors import OutOfResources
from hilum.store.database.database import Database, Session, file_lock
from hilum.store.index.index import Index
from hilum.store.index.writer import Writer
from hilum.store.rows.records import DuplicatePolicy, Outcome, Recorded
from indexes import OpenIndex
from offers import Offer


@pytest.fixture
def writer(database: Database, tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(database, tmp_path / "index.lock", DuplicatePolicy.REJECT, frozenset())
    yield writer
    writer.close()


def test_what_is_queued_is_committed_before_the_writer_ends(database: Database, tmp_path: Path) -> None:
    writer = Writer(database, tmp_path / "index.lock", DuplicatePolicy.REJECT, frozenset())
    answers = [writer.offer(Offer(number=number).instance()) for number in range(1, 201)]

    writer.close()

    assert {answer.result(0).outcome for answer in answers} == {Outcome.STORED}
    with pytest.raises(RuntimeError):
        writer.offer(Offer().instance())


def test_a_cancelled_offer_is_not_recorded(writer: Writer) -> None:
    gate = threading.Event()
    blocker = threading.Thread(target=lambda: writer.change(lambda _session: gate.wait(10)))
    blocker.start()
    time.sleep(0.1)
    cancelled = writer.offer(Offer(number=1).instance())
    kept = writer.offer(Offer(number=2).instance())

    assert cancelled.cancel()
    gate.set()
    blocker.join()

    assert kept.result(10).outcome is Outcome.STORED
    assert writer.offer(Offer(number=1).instance()).result(10).outcome is Outcome.STORED


def test_a_change_that_fails_writes_nothing_and_the_writer_goes_on(writer: Writer) -> None:
    def work(session: Session) -> None:
        session.control("DELETE FROM event")
        raise ValueError

    first = writer.offer(Offer().instance()).result(10)
    with pytest.raises(ValueError, match=r"^$"):
        writer.change(work)

    assert first.outcome is Outcome.STORED
    assert writer.change(lambda session: session.driver.execute("SELECT count(*) FROM event").fetchone()) == (1,)


def store_many(url: str, lock_path: Path, study: int, start: object) -> None:
    index = Index.open(url, lock_path=lock_path, duplicates=DuplicatePolicy.REJECT, instance_keys=(), scan_limit=1)
    with index:
        start.wait(20)  # type: ignore[attr-defined]  # a barrier of another process
        answers: list[Future[Recorded]] = []
        for number in range(100):
            place = Offer(study=1 + number % 2, series=study, number=number)
            answers.append(index.record(place.instance()))
        for answer in answers:
            answer.result(20)


def test_processes_that_store_into_the_same_studies_count_right(index_url: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    processes = [
        context.Process(target=store_many, args=(index_url, tmp_path / "index.lock", series, start))
        for series in (1, 2, 3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(40)

    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Index.open(
        index_url, lock_path=None, duplicates=DuplicatePolicy.REJECT, instance_keys=(), scan_limit=1
    ) as index:
        totals = index.totals()
        assert (totals.studies, totals.series, totals.instances) == (2, 6, 300)
        assert len(index.list_instances("1.1")) == 150


def test_a_full_disk_refuses_what_waits_and_recovers_by_itself(open_index: OpenIndex, database: Database) -> None:
    index = open_index()
    if database.kind.value != "sqlite":
        pytest.skip("A limit of pages stands for the full disk; PostgreSQL has none.")
    index.record(Offer(number=1).instance()).result(10)
    driver = index._writer._driver
    assert driver is not None
    (pages,) = driver.execute("PRAGMA page_count").fetchone()
    driver.execute(f"PRAGMA max_page_count = {pages}")

    answers = [index.record(Offer(study=study).instance()) for study in range(2, 12)]
    errors = [answer.exception(10) for answer in answers]
    driver.execute("PRAGMA max_page_count = 1000000")

    assert {type(error) for error in errors if error} == {OutOfResources}
    refused = [study for study, error in enumerate(errors, start=2) if error]
    assert index.totals().instances == 11 - len(refused)
    for study in refused:
        assert index.record(Offer(study=study).instance()).result(10).outcome is Outcome.STORED


def test_a_dropped_connection_loses_nothing_and_doubles_nothing(open_index: OpenIndex, index_url: str) -> None:
    index = open_index()
    if not index_url.startswith("postgresql"):
        pytest.skip("A file has no connection to drop.")
    index.record(Offer(number=1).instance()).result(10)
    index.list_instances("1.1")

    for number in (2, 3):
        with psycopg.connect(index_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hilum'")
        assert index.record(Offer(number=number).instance()).result(10).outcome is Outcome.STORED
        assert len(index.list_instances("1.1")) == number


def test_writers_wait_for_the_lock_of_the_index(open_index: OpenIndex, index_url: str, tmp_path: Path) -> None:
    index = open_index()
    with file_lock(tmp_path / "index.lock"):
        answer = index.record(Offer().instance())
        if index_url.startswith("postgresql"):
            answer.result(10)
        time.sleep(0.1)
        assert answer.done() == index_url.startswith("postgresql")

    assert answer.result(10).outcome is Outcome.STORED
