from __future__ import annotations

import time

import pytest
from sqlalchemy import bindparam, select, update

from hilum.dicom.searching.query import Level, Query, parse_query
from hilum.errors import InstanceCommitted, TargetGone, TargetNotFound
from hilum.store.database import tables
from hilum.store.database.database import Database, Session, transaction
from hilum.store.index.index import Index
from hilum.store.rows.records import Outcome, State
from offers import Offer

PATIENT = {"00100010": "Smith^John", "00100020": "P1", "00081030": "KNEE"}


def fill(index: Index, *offers: Offer) -> list[str]:
    instances = [offer.instance() for offer in offers]
    for answer in [index.record(instance) for instance in instances]:
        answer.result(10)
    return [instance.blob_id for instance in instances]


def test_what_is_trashed_is_gone_from_sight_and_comes_back(index: Index) -> None:
    blobs = fill(index, Offer(number=1), Offer(number=2), Offer(series=2, of_series={"00080060": "MR"}))

    assert sorted(index.trash("1.1", "1.1.1")) == sorted(blobs[:2])
    with pytest.raises(TargetGone):
        index.list_instances("1.1", "1.1.1")
    with pytest.raises(TargetGone):
        index.series_versions("1.1", "1.1.1")
    with pytest.raises(TargetGone):
        index.find_instance("1.1", "1.1.1", "1.1.1.1")
    with pytest.raises(TargetGone):
        index.trash("1.1", "1.1.1")
    (study,) = index.search(Query(Level.STUDY)).items
    assert '"00080061":{"vr":"CS","Value":["MR"]}' in study[0]
    assert study[1].endswith('"00201206":{"vr":"IS","Value":[1]},\n"00201208":{"vr":"IS","Value":[1]}}')
    assert len(index.trashed("1.1")) == 2

    assert sorted(index.restore("1.1").blob_ids) == sorted(blobs[:2])
    assert index.totals().instances == 3
    kinds = [event.kind for event in index.events_after((0, 0), 100)]
    assert kinds == ["stored"] * 3 + ["trashed"] * 2 + ["restored"] * 2


@pytest.mark.parametrize("target", [("1.2",), ("1.1", "1.2"), ("1.1", "1.1.1", "1.2")])
def test_what_never_was_is_not_found(index: Index, target: tuple[str, ...]) -> None:
    fill(index, Offer())

    with pytest.raises(TargetNotFound):
        index.trash(*target)
    with pytest.raises(TargetNotFound):
        index.restore(*target)


def test_a_trashed_uid_that_is_stored_again_is_a_new_row_and_keeps_the_old_one_out(index: Index) -> None:
    (old,) = fill(index, Offer())
    index.trash("1.1")
    (new,) = fill(index, Offer(content="other"))

    restored = index.restore("1.1")

    assert (list(restored.blob_ids), list(restored.refused)) == ([], ["1.1.1.1"])
    assert index.live_blob_id("1.1.1.1") == new
    assert [row.state for row in index.rows()] == [State.TRASHED, State.LIVE]
    assert [row.blob_id for row in index.rows_of_blob(old)] == [old]


def test_nothing_that_deleted_objects_said_is_told_of_a_new_one(index: Index) -> None:
    old = {"00100010": "Alice", "00100020": "P1", "00081030": "Chest"}
    fill(index, Offer(of_study=old, of_series={"0008103E": "Axial"}))
    index.trash("1.1")

    fill(index, Offer(number=2, of_study={"00100010": "Bob", "00100020": "P2"}))

    for level in (Level.STUDY, Level.SERIES):
        (found,) = index.search(parse_query(level, "PatientName=Bob&includefield=all", max_results=9)).items
        assert "Bob" in "".join(found)
        assert not any(word in "".join(found) for word in ("Alice", "P1", "Chest", "Axial"))
        assert not index.search(parse_query(level, "PatientName=Alice", max_results=9)).items


def test_what_is_not_chosen_stays_in_the_trash(index: Index) -> None:
    first, second = fill(index, Offer(number=1), Offer(number=2))
    index.trash("1.1")

    with pytest.raises(TargetNotFound):
        index.restore("1.1", blob_ids=())
    assert list(index.restore("1.1", blob_ids=[second]).blob_ids) == [second]

    assert [row.state for row in index.rows_of_blob(first)] == [State.TRASHED]


def test_a_row_is_made_in_the_trash_whatever_is_live_under_its_uid(index: Index) -> None:
    (live,) = fill(index, Offer())
    trashed = Offer(content="older").instance()

    index.record_trashed(trashed)
    index.record_trashed(Offer(study=2).instance())

    assert index.live_blob_id("1.1.1.1") == live
    assert (index.totals().studies, index.totals().instances) == (1, 1)
    assert [found.blob_id for found in index.trashed("1.1")] == [trashed.blob_id]
    assert list(index.restore("1.1").refused) == ["1.1.1.1"]
    with pytest.raises(TargetGone):
        index.list_instances("1.2")
    assert len(index.restore("1.2").blob_ids) == 1
    assert len(index.search(Query(Level.STUDY)).items) == 2


def test_emptying_takes_what_is_older_and_keeps_uids_alone(index: Index, database: Database) -> None:
    blobs = fill(index, Offer(of_study=PATIENT), Offer(number=2, of_study={**PATIENT, "00100020": "P2"}))
    index.trash("1.1", "1.1.1", "1.1.1.1")
    middle = time.time()
    time.sleep(0.01)
    index.trash("1.1", "1.1.1", "1.1.1.2")

    assert index.trashed_before(middle) == [blobs[0]]
    assert index.empty_trash(middle) == [blobs[0]]
    assert len(list(index.contradictions())) == 1
    assert index.empty_trash(time.time() + 1, []) == []
    assert index.empty_trash(time.time() + 1) == [blobs[1]]
    assert index.empty_trash(time.time() + 1) == []

    with pytest.raises(TargetGone):
        index.list_instances("1.1")
    assert [row.state for row in index.rows()] == [State.GONE, State.GONE]
    assert list(index.contradictions()) == []
    for table in (tables.study, tables.series, tables.study_key, tables.instance_body, tables.event):
        for row in database.read(lambda session, table=table: session.rows(select(table), {})):  # type: ignore[misc]
            assert "Smith" not in str(row).title()
            assert "KNEE" not in str(row)
            assert "P2" not in str(row)


def test_an_emptied_study_is_stored_anew_with_its_attributes(index: Index) -> None:
    fill(index, Offer(of_study=PATIENT))
    index.trash("1.1")
    index.empty_trash(time.time() + 1)

    fill(index, Offer(of_study=PATIENT))

    (item,) = index.search(Query(Level.STUDY)).items
    assert "Smith^John" in item[1]


def test_a_committed_instance_is_never_emptied(index: Index, database: Database) -> None:
    fill(index, Offer())
    index.trash("1.1")
    commit = update(tables.instance).values(committed_until=bindparam("until"))

    def work(session: Session) -> None:
        with transaction(session, database.kind):
            session.run(commit, {"until": 1e12})

    database.read(work)

    assert index.trashed_before(time.time() + 1) == []
    assert index.empty_trash(time.time() + 1) == []
    assert len(index.trashed("1.1")) == 1


def test_contradictions_are_recorded_once_for_each_value(index: Index) -> None:
    names = ["A", "B", "B", "A", "C", "B"]
    for number, name in enumerate(names, start=1):
        offered = Offer(number=number, of_study={"00100020": name}, of_series={"0008103E": name}).instance()
        assert index.record(offered).result(10).outcome is Outcome.STORED

    found = list(index.contradictions())

    assert sorted((one.tag, one.offered) for one in found) == [
        (tag, f'{{"vr":"LO","Value":["{name}"]}}') for tag in ("0008103E", "00100020") for name in ("B", "C")
    ]
    assert {one.kept for one in found} == {'{"vr":"LO","Value":["A"]}'}
    assert {one.series_instance_uid for one in found} == {"", "1.1.1"}
    assert [event.kind for event in index.events_after((0, 0), 100)].count("contradiction") == 4


def test_nothing_of_a_target_with_a_committed_instance_goes_to_the_trash(index: Index, database: Database) -> None:
    fill(index, Offer(number=1), Offer(number=2))
    committed = update(tables.instance).where(tables.instance.c.sop_instance_uid == bindparam("uid"))
    commit = committed.values(committed_until=bindparam("until"))

    def work(session: Session) -> None:
        with transaction(session, database.kind):
            session.run(commit, {"uid": "1.1.1.2", "until": 1e12})

    database.read(work)

    for target in (("1.1",), ("1.1", "1.1.1"), ("1.1", "1.1.1", "1.1.1.2")):
        with pytest.raises(InstanceCommitted):
            index.trash(*target)

    assert len(index.list_instances("1.1")) == 2
    assert len(index.trash("1.1", "1.1.1", "1.1.1.1")) == 1
