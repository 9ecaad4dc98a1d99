"""Store instances (STOW-RS): from the results of single instances to the Store Instances Response Module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from hilum.archive.ingest import FailureReason, Ingested
from hilum.dicom.resources import TargetResource
from hilum.store.rows.records import Outcome

_ERROR_COMMENT_LENGTH: Final = 64
_DISCARDED: Final = 0xB006


class Conclusion(Enum):
    """What a whole Store transaction came to (PS3.18 Table 10.5.3-1)."""

    STORED = "all instances are stored"
    STORED_IN_PART = "some instances are stored, with failures or warnings"
    REFUSED = "no instance is stored"
    OUT_OF_RESOURCES = "no instance is stored for want of storage"


@dataclass(frozen=True, slots=True)
class StoreResult:
    """The outcome and its Store Instances Response Module in the DICOM JSON Model (PS3.18 I.1)."""

    conclusion: Conclusion
    module: Mapping[str, Any]
    study_url: str
    """URL of the study, if all stored instances are in one; else ''."""


def store_result(results: Sequence[Ingested], *, service_url: str) -> StoreResult:
    """Sum up the results of single instances, in the order of the request.

    Args:
        results: one an instance, at least one.
        service_url: base URL of the service, for Retrieve URLs.

    Source: PS3.18 10.5.3, Table I.1-1 (STOW-40 to STOW-53).
    """
    stored = [result for result in results if result.failure is None]
    failed = [result for result in results if result.failure is not None and result.sop_instance_uid]
    unreadable = [result for result in results if result.failure is not None and not result.sop_instance_uid]
    studies = {result.study_instance_uid for result in stored}
    study_url = service_url + TargetResource(studies.pop()).path if len(studies) == 1 else ""
    module: dict[str, Any] = {"00081190": _value("UR", study_url) if study_url else {"vr": "UR"}}
    if failed:
        module["00081198"] = _value("SQ", *(_failed_item(result) for result in failed))
    if stored:
        module["00081199"] = _value("SQ", *(_stored_item(result, service_url) for result in stored))
    if unreadable:
        module["0008119A"] = _value("SQ", *(_failure(result) for result in unreadable))
    return StoreResult(_conclusion(results), module, study_url)


def _conclusion(results: Sequence[Ingested]) -> Conclusion:
    failures = [result.failure for result in results if result.failure is not None]
    if len(failures) < len(results):
        clean = not failures and not any(result.outcome is Outcome.KEPT_FIRST or result.changes for result in results)
        return Conclusion.STORED if clean else Conclusion.STORED_IN_PART
    if all(failure is FailureReason.OUT_OF_RESOURCES for failure in failures):
        return Conclusion.OUT_OF_RESOURCES
    return Conclusion.REFUSED


def _stored_item(result: Ingested, service_url: str) -> dict[str, Any]:
    target = TargetResource(result.study_instance_uid, result.series_instance_uid, result.sop_instance_uid)
    item = _reference(result)
    item["00081190"] = _value("UR", service_url + target.path)
    if result.outcome is Outcome.KEPT_FIRST:
        item["00081196"] = _value("US", _DISCARDED)
    elif result.changes:
        # STOW-53: one code, the most fitting; the changes come in the order of their weight.
        item["00081196"] = _value("US", result.changes[0][0])
        item |= _in_words(" ".join(text for _, text in result.changes))
    if result.original_attributes:
        item["04000561"] = _value("SQ", *result.original_attributes)
    return dict(sorted(item.items()))


def _failed_item(result: Ingested) -> dict[str, Any]:
    return _reference(result) | _failure(result)


def _reference(result: Ingested) -> dict[str, Any]:
    return {"00081150": _value("UI", result.sop_class_uid), "00081155": _value("UI", result.sop_instance_uid)}


def _failure(result: Ingested) -> dict[str, Any]:
    """Return the reason as a code, and in words where other servers put them: Failed Attributes, Error Comment."""
    reason = result.failure or FailureReason.PROCESSING_FAILURE
    item = {"00081197": _value("US", reason.value)}
    return item | _in_words(result.text) if result.text else item


def _in_words(comment: str) -> dict[str, Any]:
    if len(comment) > _ERROR_COMMENT_LENGTH:
        comment = comment[: _ERROR_COMMENT_LENGTH - 1] + "…"
    return {"00741048": _value("SQ", {"00000902": _value("LO", comment)})}


def _value(vr: str, *values: Any) -> dict[str, Any]:  # noqa: ANN401 - values of the JSON model are of many types
    return {"vr": vr, "Value": list(values)}
