"""Request Workitem Cancellation (PS3.18 11.8, PS3.4 CC.2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hilum.archive.archive import Archive
from hilum.dicom.worklist.checks import REASON_CODES, check_code, items_of
from hilum.dicom.worklist.payload import Payload, PayloadError
from hilum.dicom.worklist.reports import cancel_requested, state_report
from hilum.dicom.worklist.states import State
from hilum.errors import InvalidRequest, StateConflict
from hilum.services.worklist.attributes import (
    check_size,
    in_state,
    with_cancellation_reason,
    with_cancellation_time,
    with_request_for_cancellation,
)
from hilum.store.worklist.records import Revision, Workitem

ALREADY_CANCELED: Final = "The UPS is already in the requested state of CANCELED."
ALREADY_COMPLETED: Final = "The UPS is already COMPLETED."


def request_cancellation(uid: str, payload: Payload, *, requester: str, archive: Archive) -> tuple[str, ...]:
    """Cancel a scheduled workitem, or ask the performer of one in progress to; return warnings.

    Args:
        uid: SOP Instance UID.
        payload: reason and contact, perhaps nothing.
        requester: AE title of the one who asks; '' stands for `worklist.ae_title`.
        archive: where it is kept.

    Raises:
        InvalidRequest: a reason is no code.
        StateConflict: the workitem is completed.
        TargetNotFound: there never was one.
        TargetGone: it was deleted.

    Source: PS3.18 11.8; PS3.4 CC.2.2 (UPS-63 to UPS-70).
    """
    try:
        for item in items_of(payload.members, REASON_CODES):
            check_code(REASON_CODES, item)
    except PayloadError as error:
        raise InvalidRequest(str(error)) from error
    settings = archive.settings.worklist
    asked = cancel_requested(payload.members, requester or settings.ae_title)
    warnings: list[str] = []

    def decide(workitem: Workitem) -> Revision | None:
        warnings.clear()
        match workitem.state:
            case State.COMPLETED:
                raise StateConflict("The workitem is completed.", warning=ALREADY_COMPLETED)
            case State.CANCELED:
                warnings.append(ALREADY_CANCELED)
                return None
            case State.IN_PROGRESS:
                return Revision(workitem.members, workitem.state, workitem.transaction_uid, [asked])
            case State.SCHEDULED:
                revision = canceled(workitem, payload.members)
                check_size(revision.members, settings.max_bytes)
                return revision

    archive.index.worklist.revise(uid, decide)
    return tuple(warnings)


def canceled(workitem: Workitem, request: Mapping[str, Any]) -> Revision:
    """Return what a scheduled workitem becomes that the server cancels itself: in progress, then canceled (UPS-66)."""
    begun = in_state(workitem.members, State.IN_PROGRESS)
    members = with_request_for_cancellation(in_state(begun, State.CANCELED), request)
    members = with_cancellation_reason(with_cancellation_time(members))
    return Revision(members, State.CANCELED, "", [state_report(begun), state_report(members)])
