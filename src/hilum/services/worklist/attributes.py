"""What several transactions of the Worklist Service do with attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from hilum.dicom.levels import tag_of
from hilum.dicom.worklist.checks import (
    CANCELLATION_TIME,
    PROGRESS,
    REASON_CODES,
    STATE,
    has_value,
    items_of,
)
from hilum.dicom.worklist.states import State
from hilum.errors import PayloadTooLarge

MODIFICATION_TIME: Final = tag_of("ScheduledProcedureStepModificationDateTime")
SOP_CLASS_UID: Final = tag_of("SOPClassUID")
SOP_INSTANCE_UID: Final = tag_of("SOPInstanceUID")
WORKLIST_LABEL: Final = tag_of("WorklistLabel")
REASON: Final = tag_of("ReasonForCancellation")
COMMUNICATIONS: Final = tag_of("ProcedureStepCommunicationsURISequence")
CONTACT_URI: Final = tag_of("ContactURI")
CONTACT_NAME: Final = tag_of("ContactDisplayName")

UNSPECIFIED_REASON: Final = {
    tag_of("CodeValue"): {"vr": "SH", "Value": ["110513"]},
    tag_of("CodingSchemeDesignator"): {"vr": "SH", "Value": ["DCM"]},
    tag_of("CodeMeaning"): {"vr": "LO", "Value": ["Discontinued for unspecified reason"]},
}
"""The code that stands where nobody gave a reason (UPS-61)."""


def with_attributes(members: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a data set with some attributes replaced, in ascending order of tags."""
    return dict(sorted({**members, **changed}.items()))


def in_state(members: Mapping[str, Any], state: State) -> dict[str, Any]:
    """Return a data set with another Procedure Step State."""
    return with_attributes(members, {STATE: {"vr": "CS", "Value": [state.value]}})


def text(vr: str, value: str) -> dict[str, Any]:
    """Return an attribute of one value."""
    return {"vr": vr, "Value": [value]}


def date_time_now() -> str:
    """Return the present time as a DT with its offset from UTC."""
    return datetime.now().astimezone().strftime("%Y%m%d%H%M%S.%f%z")


def with_cancellation_time(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a data set whose progress says when it was canceled (UPS-60)."""
    progress = _progress_of(members)
    if not has_value(progress, CANCELLATION_TIME):
        progress = with_attributes(progress, {CANCELLATION_TIME: text("DT", date_time_now())})
    return _with_progress(members, progress)


def with_cancellation_reason(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a data set whose progress says why it was canceled, if only that nobody said so (UPS-61)."""
    progress = _progress_of(members)
    if not has_value(progress, REASON_CODES):
        progress = with_attributes(progress, {REASON_CODES: {"vr": "SQ", "Value": [UNSPECIFIED_REASON]}})
    return _with_progress(members, progress)


def with_request_for_cancellation(members: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a data set whose progress holds what a cancellation request said."""
    given = {tag: request[tag] for tag in (REASON, REASON_CODES) if has_value(request, tag)}
    contact = {tag: request[tag] for tag in (CONTACT_URI, CONTACT_NAME) if has_value(request, tag)}
    if contact:
        given[COMMUNICATIONS] = {"vr": "SQ", "Value": [dict(sorted(contact.items()))]}
    return _with_progress(members, with_attributes(_progress_of(members), given))


def _progress_of(members: Mapping[str, Any]) -> Mapping[str, Any]:
    return (items_of(members, PROGRESS) or ({},))[0]


def _with_progress(members: Mapping[str, Any], progress: Mapping[str, Any]) -> dict[str, Any]:
    others = items_of(members, PROGRESS)[1:]
    return with_attributes(members, {PROGRESS: {"vr": "SQ", "Value": [progress, *others]}})


def check_size(members: Mapping[str, Any], max_bytes: int) -> None:
    """Check that a workitem stays within the limit, however often it is updated.

    Raises:
        PayloadTooLarge: it does not.
    """
    if len(orjson.dumps(members)) > max_bytes:
        raise PayloadTooLarge("The workitem is larger than this origin server takes.")
