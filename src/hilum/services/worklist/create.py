"""Create Workitem (PS3.18 11.4, PS3.4 CC.2.5)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hilum.archive.archive import Archive
from hilum.config import WorklistSettings
from hilum.dicom.worklist.checks import STATE, TRANSACTION_UID, check_creation, has_value, text_of
from hilum.dicom.worklist.payload import Payload, PayloadError
from hilum.dicom.worklist.reports import reports_of_creation
from hilum.dicom.worklist.states import UPS_PUSH, State
from hilum.errors import InvalidRequest
from hilum.services.worklist.attributes import (
    MODIFICATION_TIME,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    WORKLIST_LABEL,
    check_size,
    date_time_now,
    text,
    with_attributes,
)
from hilum.store.worklist.records import Revision

MODIFIED: Final = "The Workitem was created with modifications."
_MOST_NAMES: Final = 10


@dataclass(frozen=True, slots=True)
class Created:
    """A new workitem."""

    sop_instance_uid: str
    warnings: tuple[str, ...]


def create_workitem(payload: Payload, *, uid: str, archive: Archive) -> Created:
    """Make a scheduled workitem.

    Args:
        payload: its attributes.
        uid: SOP Instance UID that the target resource names, '' if it names none.
        archive: where it is kept.

    Raises:
        InvalidRequest: the attributes do not meet the requirements, or name another UID than the target.
        StateConflict: there is or was a workitem of that UID.

    Source: PS3.18 11.4; PS3.4 CC.2.5.1.3, Table CC.2.5-3 (UPS-12 to UPS-25).
    """
    settings = archive.settings.worklist
    uid = _chosen_uid(payload.members, uid, settings)
    if text_of(payload.members, STATE) != State.SCHEDULED.value:
        raise InvalidRequest("The Procedure Step State of a new workitem must be SCHEDULED.")
    given_class = text_of(payload.members, SOP_CLASS_UID)
    try:
        checked = check_creation(payload.members)
    except PayloadError as error:
        raise InvalidRequest(str(error)) from error
    if checked.added and settings.missing_type_2 == "refuse":
        raise InvalidRequest(f"Attributes are missing: {', '.join(checked.added[:_MOST_NAMES])}.")
    members = _completed(checked.members, uid, settings)
    check_size(members, settings.max_bytes)
    is_modified = bool(checked.added) or not has_value(checked.members, WORKLIST_LABEL)
    is_modified = is_modified or given_class not in {"", UPS_PUSH}
    revision = Revision(members, State.SCHEDULED, reports=reports_of_creation(members))
    archive.index.worklist.create(uid, revision)
    return Created(uid, (MODIFIED,) if is_modified else ())


def _chosen_uid(members: Mapping[str, Any], uid: str, settings: WorklistSettings) -> str:
    own = text_of(members, SOP_INSTANCE_UID)
    if uid and own and uid != own:
        raise InvalidRequest("The SOP Instance UID of the payload is not that of the target resource.")
    if uid or own:
        return uid or own
    if settings.missing_uid == "refuse":
        raise InvalidRequest("Neither the target resource nor the payload names the workitem.")
    return f"2.25.{uuid.uuid4().int}"


def _completed(members: Mapping[str, Any], uid: str, settings: WorklistSettings) -> dict[str, Any]:
    own = {
        SOP_CLASS_UID: text("UI", UPS_PUSH),
        SOP_INSTANCE_UID: text("UI", uid),
        MODIFICATION_TIME: text("DT", date_time_now()),
    }
    if not has_value(members, WORKLIST_LABEL):
        own[WORKLIST_LABEL] = text("LO", settings.default_label)
    return with_attributes({tag: members[tag] for tag in members if tag != TRANSACTION_UID}, own)
