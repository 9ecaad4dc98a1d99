"""Change Workitem State (PS3.18 11.7, PS3.4 CC.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hilum.archive.archive import Archive
from hilum.config import WorklistSettings
from hilum.dicom.worklist.checks import STATE, TRANSACTION_UID, missing_for, text_of
from hilum.dicom.worklist.payload import Payload
from hilum.dicom.worklist.reports import state_report
from hilum.dicom.worklist.states import State, Verdict, verdict_on
from hilum.errors import InvalidRequest, StateConflict, TransactionError
from hilum.services.worklist.attributes import in_state, with_cancellation_reason, with_cancellation_time
from hilum.store.worklist.records import Revision, Workitem

MISSING: Final = "The Transaction UID is missing."
INCORRECT: Final = "The Transaction UID is incorrect."
INCONSISTENT: Final = "The submitted request is inconsistent with the state of the UPS Instance."
ALREADY_CANCELED: Final = "The UPS is already in the requested state of CANCELED."
ALREADY_COMPLETED: Final = "The UPS is already in the requested state of COMPLETED."
_MOST_NAMES: Final = 10

_WARNINGS: Final[Mapping[Verdict, str]] = {
    Verdict.ALREADY_CANCELED: ALREADY_CANCELED,
    Verdict.ALREADY_COMPLETED: ALREADY_COMPLETED,
}
"""Verdicts that succeed and change nothing (UPS-57)."""

_CONFLICTS: Final[Mapping[Verdict, str]] = {
    Verdict.MAY_NOT_BE_UPDATED: "The workitem has ended and may not be changed.",
    Verdict.ALREADY_IN_PROGRESS: "The workitem is in progress already.",
    Verdict.ONLY_BY_CREATION: "A workitem is scheduled only by its creation.",
    Verdict.NOT_IN_PROGRESS: "The workitem is not in progress.",
}


def change_state(uid: str, payload: Payload, *, archive: Archive) -> tuple[str, ...]:
    """Claim, complete or cancel a workitem; return warnings.

    Of those who claim one workitem at the same time exactly one succeeds (UPSS-22).

    Args:
        uid: SOP Instance UID.
        payload: Procedure Step State and Transaction UID.
        archive: where it is kept.

    Raises:
        InvalidRequest: the state is none, or the Transaction UID is missing or wrong.
        StateConflict: the workitem is in another state, or lacks what the final state requires.
        TargetNotFound: there never was one.
        TargetGone: it was deleted.

    Source: PS3.18 11.7; PS3.4 Table CC.1.1-2 (UPSS-02 to UPSS-08, UPS-52 to UPS-62).
    """
    requested = _requested(payload)
    transaction_uid = text_of(payload.members, TRANSACTION_UID)
    if not transaction_uid:
        # Even a workitem that does not exist is looked for first: 404 says more than 400.
        archive.index.worklist.find(uid)
        raise InvalidRequest(MISSING, warning=MISSING)
    warnings: list[str] = []
    settings = archive.settings.worklist

    def decide(workitem: Workitem) -> Revision | None:
        warnings.clear()
        verdict = verdict_on(
            requested, workitem.state, transaction_uid=transaction_uid, recorded_uid=workitem.transaction_uid
        )
        if verdict in _WARNINGS:
            warnings.append(_WARNINGS[verdict])
            return None
        if verdict not in {Verdict.CHANGE, Verdict.CHANGE_IF_COMPLETE}:
            raise _refusal(verdict)
        return _revised(workitem, requested, transaction_uid, settings)

    archive.index.worklist.revise(uid, decide)
    return tuple(warnings)


def _requested(payload: Payload) -> State:
    try:
        return State(text_of(payload.members, STATE))
    except ValueError as error:
        states = "IN PROGRESS, COMPLETED or CANCELED"
        raise InvalidRequest(f"The Procedure Step State must be {states}.", warning=INCONSISTENT) from error


def _refusal(verdict: Verdict) -> TransactionError:
    if verdict is Verdict.WRONG_TRANSACTION_UID:
        return InvalidRequest(INCORRECT, warning=INCORRECT)
    return StateConflict(_CONFLICTS[verdict], warning=INCONSISTENT)


def _revised(workitem: Workitem, state: State, transaction_uid: str, settings: WorklistSettings) -> Revision:
    members = in_state(workitem.members, state)
    if state is State.CANCELED:
        members = with_cancellation_time(members)
        if settings.missing_reason == "fill":
            members = with_cancellation_reason(members)
    if state.is_final and (missing := missing_for(state, members)):
        names = ", ".join(missing[:_MOST_NAMES])
        raise StateConflict(f"The state {state.value} needs values of: {names}.", warning=INCONSISTENT)
    return Revision(members, state, transaction_uid, [state_report(members)])
