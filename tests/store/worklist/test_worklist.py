"""The worklist of an index, on each kind of database."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hilum.dicom.searching.query import Level, parse_query
from hilum.dicom.worklist.reports import reports_of_change, reports_of_creation, state_report
from hilum.dicom.worklist.states import FILTERED_WORKLIST, WORKLIST, State
from hilum.errors import InvalidRequest, StateConflict, TargetGone, TargetNotFound
from hilum.store.index.index import Index
from hilum.store.worklist.records import DeletionLock, Filter, Members, Report, Revision, Workitem
from hilum.store.worklist.worklist import Worklist
from indexes import OpenIndex
from workitems import element, new_uid, workitem


@pytest.fixture
def worklist(index: Index) -> Worklist:
    return index.worklist


def make(worklist: Worklist, **changed: Members) -> str:
    uid = new_uid()
    members = workitem(t00080018=element("UI", uid), **changed)  # type: ignore[arg-type]  # plain dicts
    worklist.create(uid, Revision(members, State.SCHEDULED, reports=reports_of_creation(members)))
    return uid


def to(state: State, transaction_uid: str = "1.2.3") -> Revision:
    members = workitem(t00741000=element("CS", state.value))
    return Revision(members, state, transaction_uid, [state_report(members)])


def claim(workitem_before: Workitem) -> Revision:
    if workitem_before.state is not State.SCHEDULED:
        raise StateConflict("The workitem is in progress.")
    return to(State.IN_PROGRESS)


def reports_to(worklist: Worklist, ae_title: str) -> list[Report]:
    _, reports = worklist.reports_after((0, 0), 1000)
    return [report for report in reports if ae_title in report.receivers]


def found(worklist: Worklist, query: str) -> list[str]:
    page = worklist.search(parse_query(Level.INSTANCE, query, max_results=100), lambda members: members)
    return [members["00080018"]["Value"][0] for members in page.items]


def test_a_workitem_is_found_as_it_was_made(worklist: Worklist) -> None:
    uid = make(worklist)

    known = worklist.find(uid)

    assert (known.state, known.transaction_uid, known.version) == (State.SCHEDULED, "", 1)
    assert known.members == workitem(t00080018=element("UI", uid))
    with pytest.raises(TargetNotFound):
        worklist.find("1.2.3")


def test_a_uid_is_taken_once_even_at_the_same_time(open_index: OpenIndex) -> None:
    uid, indexes = new_uid(), [open_index() for _ in range(4)]

    def attempt(index: Index) -> bool:
        try:
            index.worklist.create(uid, Revision(workitem(), State.SCHEDULED))
        except StateConflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, indexes)) == 1


@pytest.mark.requirement("UPSS-22")
def test_of_those_who_claim_at_once_one_wins(open_index: OpenIndex) -> None:
    indexes = [open_index() for _ in range(4)]
    uid = make(indexes[0].worklist)

    def attempt(index: Index) -> bool:
        try:
            index.worklist.revise(uid, claim)
        except StateConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, indexes * 2)) == 1
    assert indexes[0].worklist.find(uid).state is State.IN_PROGRESS


def test_a_refused_change_leaves_everything_as_it_was(worklist: Worklist) -> None:
    uid = make(worklist)
    worklist.subscribe(uid, "AE", DeletionLock.NONE)
    before = worklist.find(uid)

    def refuse(_workitem: Workitem) -> Revision:
        raise InvalidRequest("No.")

    with pytest.raises(InvalidRequest):
        worklist.revise(uid, refuse)

    assert worklist.find(uid) == before
    assert len(reports_to(worklist, "AE")) == 1


@pytest.mark.requirement("UPS-95")
@pytest.mark.parametrize("lock", DeletionLock)
def test_a_global_subscription_covers_what_exists_and_what_comes(worklist: Worklist, lock: DeletionLock) -> None:
    existing, known = make(worklist), make(worklist)
    worklist.subscribe(known, "AE", DeletionLock.NONE)

    worklist.subscribe_to_worklist(WORKLIST, "AE", lock, None)
    later = make(worklist)
    worklist.revise(existing, claim)

    reported = [report.sop_instance_uid for report in reports_to(worklist, "AE")]
    initial = [existing] if lock is DeletionLock.HELD else []
    assert reported == [known, *initial, later, existing]


@pytest.mark.requirement("UPS-82", "UPS-95")
@pytest.mark.parametrize("lock", DeletionLock)
def test_a_filtered_subscription_covers_what_matches(worklist: Worklist, lock: DeletionLock) -> None:
    text = "WorklistLabel=A*&ProcedureStepState=SCHEDULED&ScheduledProcedureStepStartDateTime=20240101-20241231"
    chosen = Filter(text, parse_query(Level.INSTANCE, text, max_results=1).matches)
    existing, other = make(worklist), make(worklist, t00741202=element("LO", "B"))

    worklist.subscribe_to_worklist(FILTERED_WORKLIST, "AE", lock, chosen)
    later, foreign = make(worklist), make(worklist, t00404005=element("DT", "2023"))
    for uid in (other, foreign, existing):
        worklist.revise(uid, claim)

    reported = [report.sop_instance_uid for report in reports_to(worklist, "AE")]
    assert reported == [*([existing] if lock is DeletionLock.HELD else []), later, existing]


@pytest.mark.requirement("UPS-91", "UPS-92")
def test_suspending_ends_what_comes_and_unsubscribing_everything(worklist: Worklist) -> None:
    worklist.subscribe_to_worklist(WORKLIST, "AE", DeletionLock.NONE, None)
    uid = make(worklist)
    worklist.suspend(WORKLIST, "AE")
    make(worklist)
    worklist.revise(uid, claim)
    assert len(reports_to(worklist, "AE")) == 2

    worklist.unsubscribe_from_worklist(WORKLIST, "AE")
    worklist.revise(uid, lambda _before: to(State.CANCELED))

    assert len(reports_to(worklist, "AE")) == 2
    for end in (worklist.suspend, worklist.unsubscribe_from_worklist):
        with pytest.raises(TargetNotFound):
            end(WORKLIST, "AE")


@pytest.mark.requirement("UPSS-24", "IHE-AIW-09", "UPS-33", "UPS-32")
def test_what_ended_stays_as_long_as_somebody_locks_it(worklist: Worklist) -> None:
    free, locked, running = make(worklist), make(worklist), make(worklist)
    worklist.subscribe(locked, "AE", DeletionLock.HELD)
    worklist.subscribe(free, "AE", DeletionLock.NONE)
    for uid in (free, locked):
        worklist.revise(uid, lambda _before: to(State.CANCELED))

    assert worklist.remove_ended(time.time() - 3600, 10) == 0
    assert worklist.remove_ended(time.time() + 1, 10) == 1

    with pytest.raises(TargetGone):
        worklist.find(free)
    with pytest.raises(StateConflict):
        worklist.create(free, Revision(workitem(), State.SCHEDULED))
    assert worklist.find(locked).state is State.CANCELED
    assert worklist.find(running).state is State.SCHEDULED
    worklist.unsubscribe(locked, "AE")
    assert worklist.remove_ended(time.time() + 1, 10) == 1
    assert found(worklist, "") == [running]


def test_expired_workitems_are_those_still_scheduled(worklist: Worklist) -> None:
    past, future = element("DT", "20200101000000+0000"), element("DT", "29990101000000+0000")
    old, claimed = make(worklist, t00404008=past), make(worklist, t00404008=past)
    make(worklist, t00404008=future)
    make(worklist)
    worklist.revise(claimed, claim)

    assert worklist.expired(time.time(), 10) == [old]


@pytest.mark.requirement("UPSE-07")
def test_a_replay_begins_behind_what_was_got_and_not_too_early(worklist: Worklist) -> None:
    assert worklist.start_of_replay("AE", time.time() - 300) == worklist.latest()
    worklist.subscribe_to_worklist(WORKLIST, "AE", DeletionLock.NONE, None)
    first, second = make(worklist), make(worklist)

    start = worklist.start_of_replay("AE", time.time() - 300)
    _, reports = worklist.reports_after(start, 100)
    assert [report.sop_instance_uid for report in reports] == [first, second]

    worklist.keep_positions({"AE": reports[0].cursor})
    worklist.keep_positions({"AE": (0, 0)})
    _, rest = worklist.reports_after(worklist.start_of_replay("AE", time.time() - 300), 100)
    assert [report.sop_instance_uid for report in rest] == [second]
    assert worklist.start_of_replay("AE", time.time() + 300) == worklist.latest()


def test_a_wait_ends_when_another_process_changes_something(open_index: OpenIndex) -> None:
    mine, other = open_index().worklist, open_index().worklist
    cursor = mine.latest()
    timer = threading.Timer(0.2, make, (other,))
    timer.start()

    assert mine.wait(cursor, 10)
    timer.join()
    assert not mine.wait(mine.reports_after(cursor, 10)[0], 0.05)


@pytest.mark.requirement("UPSE-26")
def test_a_change_of_status_is_reported_to_all_who_have_a_subscription(worklist: Worklist) -> None:
    worklist.subscribe_to_worklist(WORKLIST, "ONE", DeletionLock.NONE, None)
    worklist.subscribe(make(worklist), "TWO", DeletionLock.NONE)

    assert worklist.report_status({"00001002": element("US", 4)}, ["THREE", "ONE"]) == 3

    assert all(reports_to(worklist, ae_title)[-1].sop_instance_uid == "" for ae_title in ("ONE", "TWO", "THREE"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ProcedureStepState=SCHEDULED", {"plain", "other"}),
        ("ProcedureStepState=SCHED*", {"plain", "other"}),
        ("ProcedureStepState=IN+PROGRESS", {"claimed"}),
        ("WorklistLabel=B&ProcedureStepState=SCHEDULED", {"other"}),
        ("ScheduledWorkitemCodeSequence.CodeValue=X&ScheduledWorkitemCodeSequence.CodeMeaning=Y*", {"other"}),
        ("StudyDate=20240101", set()),
        ("PatientID=" + "p" * 64, set()),
        ("", {"plain", "other", "claimed"}),
    ],
)
def test_searches_answer_alike(worklist: Worklist, query: str, expected: set[str]) -> None:
    code = element("SQ", {"00080100": element("SH", "X"), "00080104": element("LO", "Yes")})
    made = {
        "plain": make(worklist),
        "other": make(worklist, t00741202=element("LO", "B"), t00404018=code),
        "claimed": make(worklist),
    }
    worklist.revise(
        made["claimed"],
        lambda before: Revision({**before.members, "00741000": element("CS", "IN PROGRESS")}, State.IN_PROGRESS, "1.2"),
    )

    assert set(found(worklist, query)) == {made[name] for name in expected}


def test_changed_attributes_bring_their_reports(worklist: Worklist) -> None:
    uid = make(worklist)
    worklist.subscribe(uid, "AE", DeletionLock.NONE)
    worklist.subscribe(uid, "AE", DeletionLock.HELD)

    def unready(before: Workitem) -> Revision:
        members = {**before.members, "00404041": element("CS", "INCOMPLETE")}
        return Revision(members, before.state, reports=reports_of_change(before.members, members))

    worklist.revise(uid, unready)

    contents = [report.content["00404041"]["Value"][0] for report in reports_to(worklist, "AE")]
    assert contents == ["READY", "READY", "INCOMPLETE"]
    assert worklist.find(uid).version == 2
