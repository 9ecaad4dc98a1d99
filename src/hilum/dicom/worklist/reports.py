"""Event reports: which ones a change of a workitem brings about, and what each says (PS3.4 CC.2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hilum.dicom.levels import tag_of
from hilum.dicom.worklist.checks import PROGRESS, REASON_CODES, STATE, has_value, items_of
from hilum.dicom.worklist.states import UPS_PUSH, WORKLIST

Members = Mapping[str, Any]
"""A data set in the DICOM JSON Model."""

STATE_REPORT: Final = 1
CANCEL_REQUESTED: Final = 2
PROGRESS_REPORT: Final = 3
SCP_STATUS_CHANGE: Final = 4
ASSIGNED: Final = 5

_READINESS: Final = tag_of("InputReadinessState")
_REASON: Final = tag_of("ReasonForCancellation")
_CONTACT_URI: Final = tag_of("ContactURI")
_CONTACT_NAME: Final = tag_of("ContactDisplayName")
_REQUESTING_AE: Final = tag_of("RequestingAE")
_STATIONS: Final = tag_of("ScheduledStationNameCodeSequence")
_PERFORMERS: Final = tag_of("ScheduledHumanPerformersSequence")
_PERFORMER_CODES: Final = tag_of("HumanPerformerCodeSequence")
_ORGANIZATION: Final = tag_of("HumanPerformerOrganization")
_SCP_STATUS: Final = tag_of("SCPStatus")
_SUBSCRIPTION_LIST_STATUS: Final = tag_of("SubscriptionListStatus")
_WORKLIST_STATUS: Final = tag_of("UnifiedProcedureStepListStatus")
_WATCHED_PROGRESS: Final = tuple(
    tag_of(keyword)
    for keyword in (
        "ProcedureStepProgress",
        "ProcedureStepProgressDescription",
        "ProcedureStepCommunicationsURISequence",
    )
)
_REPORTED_PROGRESS: Final = (*_WATCHED_PROGRESS, tag_of("ProcedureStepProgressParametersSequence"))


def state_report(members: Members) -> Members:
    """Return the content of a State Report: state, readiness, and why it was canceled (UPSE-10)."""
    progress = (items_of(members, PROGRESS) or ({},))[0]
    reasons = {tag: progress[tag] for tag in (_REASON, REASON_CODES) if has_value(progress, tag)}
    return _report(STATE_REPORT, {**_chosen(members, _READINESS, STATE), **reasons})


def cancel_requested(request: Members, requesting_ae: str) -> Members:
    """Return the content of a Cancel Requested report; what the request gave is handed on."""
    given = {
        tag: request[tag] for tag in (_REASON, REASON_CODES, _CONTACT_URI, _CONTACT_NAME) if has_value(request, tag)
    }
    return _report(CANCEL_REQUESTED, {**given, _REQUESTING_AE: {"vr": "AE", "Value": [requesting_ae]}})


def progress_report(members: Members) -> Members:
    """Return the content of a Progress Report."""
    items = [
        {tag: item[tag] for tag in sorted(_REPORTED_PROGRESS) if has_value(item, tag)}
        for item in items_of(members, PROGRESS)
    ]
    return _report(PROGRESS_REPORT, {PROGRESS: {"vr": "SQ", "Value": items or [{}]}})


def assigned_report(members: Members) -> Members:
    """Return the content of an Assigned report: stations, and performers with their organizations if known."""
    content = {_STATIONS: members[_STATIONS]} if has_value(members, _STATIONS) else {}
    performers = items_of(members, _PERFORMERS)
    codes = [code for item in performers for code in items_of(item, _PERFORMER_CODES)]
    if codes:
        content[_PERFORMER_CODES] = {"vr": "SQ", "Value": codes}
    organizations = [item[_ORGANIZATION] for item in performers if has_value(item, _ORGANIZATION)]
    if organizations:
        content[_ORGANIZATION] = organizations[0]
    return _report(ASSIGNED, content)


def status_report(scp_status: str, list_status: str) -> Members:
    """Return the content of an SCP Status Change: `RESTARTED` or `GOING DOWN`, `WARM START` or `COLD START`."""
    content = {
        tag: {"vr": "CS", "Value": [value]}
        for tag, value in (
            (_SCP_STATUS, scp_status),
            (_SUBSCRIPTION_LIST_STATUS, list_status),
            (_WORKLIST_STATUS, list_status),
        )
        if value
    }
    return _report(SCP_STATUS_CHANGE, content)


def reports_of_creation(members: Members) -> list[Members]:
    """Return the reports of a new workitem: its state, and to whom it is assigned (UPSE-22, UPSE-23)."""
    reports = [state_report(members)]
    if has_value(members, _STATIONS) or has_value(members, _PERFORMERS):
        reports.append(assigned_report(members))
    return reports


def reports_of_change(before: Members, after: Members) -> list[Members]:
    """Return the reports that a change of attributes brings about, in order (UPSE-20, UPSE-23, UPSE-25)."""
    return list(_reports(before, after))


def _reports(before: Members, after: Members) -> Iterator[Members]:
    if _chosen(before, _STATIONS, _PERFORMERS) != _chosen(after, _STATIONS, _PERFORMERS):
        yield assigned_report(after)
    if _watched(before) != _watched(after):
        yield progress_report(after)
    if _chosen(before, _READINESS, STATE) != _chosen(after, _READINESS, STATE):
        yield state_report(after)


def _watched(members: Members) -> list[Members]:
    watched = (_chosen(item, *_WATCHED_PROGRESS) for item in items_of(members, PROGRESS))
    return [item for item in watched if item]


def _chosen(members: Members, *tags: str) -> dict[str, Any]:
    return {tag: members[tag] for tag in tags if has_value(members, tag)}


def _report(event_type: int, content: Mapping[str, Any]) -> Members:
    return {"00001002": {"vr": "US", "Value": [event_type]}, **dict(sorted(content.items()))}


def event_message(report: Mapping[str, Any], sop_instance_uid: str, message_id: int) -> Members:
    """Return an event as it is sent: the report with the command elements that name it (UPSE-02 to UPSE-04).

    Args:
        report: as the functions of this module give it.
        sop_instance_uid: of the workitem; '' stands for the worklist itself (UPSE-28).
        message_id: counted by connection; only its last 16 bits are sent.
    """
    return {
        "00000002": {"vr": "UI", "Value": [UPS_PUSH]},
        "00000110": {"vr": "US", "Value": [message_id & 0xFFFF]},
        "00001000": {"vr": "UI", "Value": [sop_instance_uid or WORKLIST]},
        **report,
    }
