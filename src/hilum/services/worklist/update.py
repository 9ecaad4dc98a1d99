"""Update Workitem (PS3.18 11.6, PS3.4 CC.2.6)."""

from __future__ import annotations

from typing import Final

from hilum.archive.archive import Archive
from hilum.dicom.worklist.checks import TRANSACTION_UID, Checked, check_update, text_of
from hilum.dicom.worklist.payload import Payload, PayloadError
from hilum.dicom.worklist.reports import reports_of_change
from hilum.dicom.worklist.states import State
from hilum.errors import InvalidRequest
from hilum.services.worklist.attributes import (
    MODIFICATION_TIME,
    check_size,
    date_time_now,
    text,
    with_attributes,
)
from hilum.store.worklist.records import Revision, Workitem

NOT_CLAIMED: Final = "The target URI did not reference a claimed Workitem."
INCONSISTENT: Final = "The submitted request is inconsistent with the current state of the Workitem."
MODIFIED: Final = "The Workitem was updated with modifications."
NOT_SUPPORTED: Final = "Requested optional Attributes are not supported."


def update_workitem(uid: str, payload: Payload, *, transaction_uid: str, archive: Archive) -> tuple[str, ...]:
    """Replace attributes of a workitem, all or none; return warnings.

    Args:
        uid: SOP Instance UID.
        payload: the attributes to replace, and perhaps the Transaction UID.
        transaction_uid: the one of the target resource, '' if it has none.
        archive: where it is kept.

    Raises:
        InvalidRequest: an attribute may not be updated, the Transaction UID is missing or wrong, or the workitem
            has ended.
        TargetNotFound: there never was one.
        TargetGone: it was deleted.

    Source: PS3.18 11.6; PS3.4 CC.2.6, Table CC.2.5-3 (UPS-40 to UPS-51).
    """
    own = text_of(payload.members, TRANSACTION_UID)
    if own and transaction_uid and own != transaction_uid:
        raise InvalidRequest("The request names two Transaction UIDs.", warning=NOT_CLAIMED)
    given = own or transaction_uid
    try:
        checked = check_update({tag: payload.members[tag] for tag in payload.members if tag != TRANSACTION_UID})
    except PayloadError as error:
        raise InvalidRequest(str(error), warning=INCONSISTENT) from error
    max_bytes = archive.settings.worklist.max_bytes

    def decide(workitem: Workitem) -> Revision | None:
        _check_claim(workitem, given)
        return _revised(workitem, checked, max_bytes)

    archive.index.worklist.revise(uid, decide)
    found = ((MODIFIED, bool(checked.added or checked.ignored)), (NOT_SUPPORTED, payload.has_dropped))
    return tuple(warning for warning, holds in found if holds)


def _check_claim(workitem: Workitem, transaction_uid: str) -> None:
    if workitem.state.is_final:
        raise InvalidRequest("The workitem has ended and may not be updated.", warning=INCONSISTENT)
    if workitem.state is State.SCHEDULED and transaction_uid:
        raise InvalidRequest("A scheduled workitem has no Transaction UID.", warning=NOT_CLAIMED)
    if workitem.state is State.IN_PROGRESS and transaction_uid != workitem.transaction_uid:
        raise InvalidRequest("The Transaction UID is missing or incorrect.", warning=NOT_CLAIMED)


def _revised(workitem: Workitem, checked: Checked, max_bytes: int) -> Revision | None:
    """Return what the update makes of a workitem; None if it says what is there already: repeats change nothing."""
    members = with_attributes(workitem.members, checked.members)
    if members == workitem.members:
        return None
    members[MODIFICATION_TIME] = text("DT", date_time_now())
    check_size(members, max_bytes)
    reports = reports_of_change(workitem.members, members)
    return Revision(members, workitem.state, workitem.transaction_uid, reports)
