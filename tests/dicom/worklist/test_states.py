from __future__ import annotations

import itertools

import pytest

from hilum.dicom.worklist.states import State, Verdict, verdict_on


@pytest.mark.requirement("UPSS-21")
def test_the_states_are_these_four() -> None:
    assert {state.value for state in State} == {"SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED"}
    assert {state for state in State if state.is_final} == {State.COMPLETED, State.CANCELED}


@pytest.mark.requirement("UPSS-03", "UPSS-04", "UPSS-06", "UPSS-08")
def test_every_request_in_every_state_has_a_verdict() -> None:
    for requested, present in itertools.product(State, State):
        wrong = verdict_on(requested, present, transaction_uid="", recorded_uid="1.2")
        expected = Verdict.ONLY_BY_CREATION if requested is State.SCHEDULED else Verdict.WRONG_TRANSACTION_UID
        assert wrong is expected
        assert isinstance(verdict_on(requested, present, transaction_uid="1.2", recorded_uid="1.2"), Verdict)


@pytest.mark.requirement("UPSS-02", "UPSS-22")
def test_only_who_claimed_it_changes_what_is_in_progress() -> None:
    right = verdict_on(State.COMPLETED, State.IN_PROGRESS, transaction_uid="1.2", recorded_uid="1.2")
    wrong = verdict_on(State.COMPLETED, State.IN_PROGRESS, transaction_uid="1.3", recorded_uid="1.2")
    unclaimed = verdict_on(State.CANCELED, State.CANCELED, transaction_uid="1.2", recorded_uid="")

    assert right is Verdict.CHANGE_IF_COMPLETE
    assert wrong is unclaimed is Verdict.WRONG_TRANSACTION_UID
