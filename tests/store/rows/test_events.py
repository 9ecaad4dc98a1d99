from __future__ import annotations

import threading
import time

from hilum.store.database.database import Database, Kind, Session, transaction
from hilum.store.index.index import Index
from hilum.store.rows.events import INSERT_EVENT, event_values, last_event
from hilum.store.rows.records import Event
from indexes import OpenIndex
from offers import Offer


def add(session: Session, name: str) -> None:
    session.run(INSERT_EVENT, event_values("stored", (name, "", "")))


def read_on(index: Index, cursor: tuple[int, int], seen: list[str]) -> tuple[int, int]:
    for event in index.events_after(cursor, 2):
        seen.append(event.study_instance_uid)
        cursor = event.cursor
    return cursor


def test_no_reader_misses_a_transaction_that_commits_late(index: Index, database: Database) -> None:
    """On SQLite the second writer waits for the first; on PostgreSQL they commit in reverse order of their ids."""
    early, late = Session(database, database.connect()), Session(database, database.connect())
    seen: list[str] = []
    is_reversed = database.kind is Kind.POSTGRESQL
    early.control("BEGIN IMMEDIATE" if database.kind is Kind.SQLITE else "BEGIN")
    add(early, "early")
    if is_reversed:
        late.control("BEGIN")
        add(late, "late")
        late.control("COMMIT")
    cursor = read_on(index, (0, 0), seen)
    assert seen == []

    early.control("COMMIT")
    if not is_reversed:
        with transaction(late, database.kind):
            add(late, "late")
    for _ in range(3):
        cursor = read_on(index, cursor, seen)

    assert seen == ["early", "late"]
    for session in (early, late):
        session.driver.close()


def test_readers_that_poll_meanwhile_see_each_event_once_and_in_one_order(open_index: OpenIndex) -> None:
    writers = [open_index() for _ in range(3)]
    reader = open_index()
    total = 60
    orders: list[list[str]] = []

    def follow() -> None:
        cursor = (0, 0)
        seen: list[str] = []
        deadline = time.monotonic() + 20
        while len(seen) < total and time.monotonic() < deadline:
            if reader.wait_for_events(cursor, 0.5):
                events = reader.events_after(cursor, 7)
                seen += [event.sop_instance_uid for event in events]
                cursor = events[-1].cursor
        orders.append(seen)

    followers = [threading.Thread(target=follow) for _ in range(2)]
    for thread in followers:
        thread.start()
    answers = [
        index.record(Offer(study=study, number=number).instance())
        for number in range(1, total // 3 + 1)
        for study, index in enumerate(writers, start=1)
    ]
    for answer in answers:
        answer.result(10)
    for thread in followers:
        thread.join()

    assert orders[0] == orders[1]
    assert len(set(orders[0])) == len(orders[0]) == total


def test_waiting_ends_with_an_event_or_at_its_time(open_index: OpenIndex) -> None:
    one, other = open_index(), open_index()

    assert not one.wait_for_events((0, 0), 0.1)

    timer = threading.Timer(0.2, lambda: other.record(Offer().instance()))
    timer.start()
    start = time.monotonic()
    assert one.wait_for_events((0, 0), 10)
    assert time.monotonic() - start < 5
    timer.join()


def test_closing_ends_a_wait(open_index: OpenIndex) -> None:
    index = open_index()
    timer = threading.Timer(0.2, index.close)
    timer.start()
    start = time.monotonic()

    assert not index.wait_for_events((0, 0), 10)
    assert time.monotonic() - start < 5
    timer.join()


def test_an_event_tells_what_happened_to_which_blob(index: Index) -> None:
    offered = Offer().instance()
    index.record(offered).result(10)

    (event,) = index.events_after((0, 0), 10)

    assert isinstance(event, Event)
    assert (event.kind, event.sop_instance_uid) == ("stored", "1.1.1.1")
    assert event.detail == f'{{"blob_id":"{offered.blob_id}"}}'
    assert abs(event.time - time.time()) < 60


def test_the_mark_of_the_last_event_changes_with_each_commit(index: Index, database: Database) -> None:
    marks = set()
    for number in range(1, 4):
        marks.add(database.read(lambda session: last_event(session, database.kind)))
        index.record(Offer(number=number).instance()).result(10)

    assert len(marks) == 3
