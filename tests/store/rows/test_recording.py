from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import bindparam, update

from hilum.dicom.searching.query import Level, Query
from hilum.errors import TargetNotFound
from hilum.store.database import tables
from hilum.store.database.database import Database, Session, transaction
from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy, NewInstance, Outcome, Recorded
from indexes import OpenIndex
from offers import Offer


def record(index: Index, instance: NewInstance) -> Recorded:
    return index.record(instance).result(10)


@pytest.mark.requirement("STOW-28")
def test_the_same_data_set_again_succeeds_and_the_first_stays(index: Index) -> None:
    first = Offer().instance()
    second = replace(Offer().instance(), head_digest=b"rewritten by a router")

    assert record(index, first) == Recorded(Outcome.STORED, first.blob_id)
    assert record(index, second) == Recorded(Outcome.IDENTICAL, first.blob_id)


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [(DuplicatePolicy.REJECT, Outcome.DIFFERENT), (DuplicatePolicy.KEEP, Outcome.KEPT_FIRST)],
)
@pytest.mark.requirement("STOW-28")
def test_a_different_data_set_leaves_the_first_in_place(
    open_index: OpenIndex, policy: DuplicatePolicy, outcome: Outcome
) -> None:
    index = open_index(policy)
    first = Offer().instance()
    record(index, first)

    assert record(index, Offer(content="other").instance()) == Recorded(outcome, first.blob_id)
    assert record(index, replace(first, blob_id="b" * 32, transfer_syntax_uid="1.2")).outcome is outcome
    assert index.live_blob_id("1.1.1.1") == first.blob_id


@pytest.mark.requirement("STOW-28")
def test_a_replacement_takes_the_place_and_names_the_lost_blob(open_index: OpenIndex) -> None:
    index = open_index(DuplicatePolicy.REPLACE)
    first = Offer().instance()
    second = replace(Offer(content="other").instance(), size_bytes=5)
    record(index, first)

    assert record(index, second) == Recorded(Outcome.REPLACED, second.blob_id, first.blob_id)
    assert index.live_blob_id("1.1.1.1") == second.blob_id
    assert (index.totals().instances, index.totals().size_bytes) == (1, 5)
    assert [event.kind for event in index.events_after((0, 0), 10)] == ["stored", "replaced"]


def test_the_replacement_of_all_that_a_study_has_brings_its_own_attributes(open_index: OpenIndex) -> None:
    index = open_index(DuplicatePolicy.REPLACE)
    record(
        index, Offer(of_study={"00100010": "Wrong", "00081030": "Chest"}, of_series={"0008103E": "Axial"}).instance()
    )

    record(index, Offer(content="corrected", of_study={"00100010": "Right"}).instance())

    (found,) = index.search(Query(Level.STUDY)).items
    assert "Right" in "".join(found)
    (series,) = index.search(Query(Level.SERIES)).items
    assert not any(word in "".join((*found, *series)) for word in ("Wrong", "Chest", "Axial"))


def test_a_committed_instance_is_never_replaced(open_index: OpenIndex, database: Database) -> None:
    index = open_index(DuplicatePolicy.REPLACE)
    record(index, Offer().instance())
    commit = update(tables.instance).values(committed_until=bindparam("until"))

    def work(session: Session) -> None:
        with transaction(session, database.kind):
            session.run(commit, {"until": 1e12})

    database.read(work)

    assert record(index, Offer(content="other").instance()).outcome is Outcome.DIFFERENT


@pytest.mark.parametrize("place", [("1.9", "1.1.1"), ("1.1", "1.9")])
def test_a_uid_that_is_live_elsewhere_is_refused(open_index: OpenIndex, place: tuple[str, str]) -> None:
    index = open_index(DuplicatePolicy.REPLACE)
    first = Offer().instance()
    record(index, first)

    other = replace(Offer().instance(), study_instance_uid=place[0], series_instance_uid=place[1])

    assert record(index, other) == Recorded(Outcome.ELSEWHERE, first.blob_id)
    with pytest.raises(TargetNotFound):
        index.list_instances("1.9")


def test_the_same_offer_again_is_the_same_success(index: Index) -> None:
    offered = Offer().instance()

    assert record(index, offered) == record(index, offered) == Recorded(Outcome.STORED, offered.blob_id)
    assert index.totals().instances == 1


def test_series_of_one_uid_in_two_studies_are_two_series(index: Index) -> None:
    record(index, Offer(study=1).instance())
    record(index, replace(Offer(study=2).instance(), series_instance_uid="1.1.1"))

    assert len(index.list_instances("1.1", "1.1.1")) == 1
    assert len(index.list_instances("1.2", "1.1.1")) == 1


def test_one_refused_row_never_fails_its_neighbours(index: Index) -> None:
    broken = replace(Offer(number=2).instance(), instance_attributes=b"no JSON")
    offers = [Offer(number=1).instance(), broken, Offer(number=3).instance(), Offer(study=2).instance()]

    answers = [index.record(offer) for offer in offers]

    assert [answer.exception(10) is None for answer in answers] == [True, False, True, True]
    assert (index.totals().studies, index.totals().series, index.totals().instances) == (2, 2, 3)


def test_a_broken_first_instance_leaves_no_study_behind(index: Index) -> None:
    answer = index.record(replace(Offer().instance(), instance_attributes=b"no JSON"))

    assert answer.exception(10) is not None
    with pytest.raises(TargetNotFound):
        index.list_instances("1.1")


def test_text_that_no_database_takes_is_stored_without_it(index: Index) -> None:
    offered = replace(Offer().instance(), character_set="ISO\x00_IR \ud800100")
    record(index, offered)
    (instance,) = index.list_instances("1.1")

    assert index.bulk(instance.instance_id) == (b"[]", "ISO_IR 100")


def test_two_processes_that_store_the_same_uid_agree_on_one_winner(open_index: OpenIndex) -> None:
    one, other = open_index(), open_index()
    answers: list[Recorded] = []
    lock = threading.Lock()

    def store(index: Index) -> None:
        mine = [record(index, Offer(number=number).instance()) for number in range(1, 16)]
        with lock:
            answers.extend(mine)

    threads = [threading.Thread(target=store, args=(index,)) for index in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    outcomes = [answer.outcome for answer in answers]
    assert (outcomes.count(Outcome.STORED), outcomes.count(Outcome.IDENTICAL)) == (15, 15)
    assert len({answer.blob_id for answer in answers}) == 15
    assert one.totals().instances == 15
