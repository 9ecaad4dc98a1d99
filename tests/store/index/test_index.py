from __future__ import annotations

import threading

from hilum.dicom.searching.query import Level, Query
from hilum.store.index.index import Index
from hilum.store.rows.records import Totals
from indexes import OpenIndex
from offers import Offer


def test_totals_are_over_what_is_live(index: Index) -> None:
    assert index.totals() == Totals(0, 0, 0, 0)
    for offer in (Offer(), Offer(number=2), Offer(study=2)):
        index.record(offer.instance()).result(10)
    index.trash("1.2")

    assert index.totals() == Totals(1, 1, 2, 2000)


def test_many_threads_read_while_one_writes(index: Index) -> None:
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(30):
                for item in index.search(Query(Level.STUDY)).items:
                    assert item[1].startswith("/studies/")
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(1, 60):
        index.record(Offer(study=number).instance()).result(10)
    for thread in threads:
        thread.join()

    assert failures == []


def test_another_process_sees_what_was_acknowledged(open_index: OpenIndex) -> None:
    one, other = open_index(), open_index()
    for number in range(1, 20):
        one.record(Offer(number=number).instance()).result(10)
        assert len(other.list_instances("1.1")) == number


def test_closing_twice_is_no_error(index: Index) -> None:
    index.close()
    index.close()
