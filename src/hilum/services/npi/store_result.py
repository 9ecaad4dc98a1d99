"""From the results of single instances to the response of a store of non-patient instances (PS3.18 12.5.3).

The standard prescribes no module; this is the one of Store Instances (NPI-25).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from hilum.archive.ingest import FailureReason, Ingested
from hilum.dicom.npi.categories import Category
from hilum.store.rows.records import Outcome

_ERROR_COMMENT_LENGTH: Final = 64
_DISCARDED: Final = 0xB006


class Conclusion(Enum):
    """What a whole store came to (NPI-24)."""

    STORED = "at least one instance is stored"
    UNREADABLE = "nothing is stored, because nothing is an instance"
    REFUSED = "nothing is stored"
    OUT_OF_RESOURCES = "nothing is stored for want of storage"


@dataclass(frozen=True, slots=True)
class StoreResult:
    """The outcome and its module in the DICOM JSON Model."""

    conclusion: Conclusion
    module: Mapping[str, Any]


def store_result(results: Sequence[Ingested], category: Category, *, service_url: str) -> StoreResult:
    """Sum up the results of single instances, in the order of the request.

    Args:
        results: one an instance.
        category: of the target resource.
        service_url: base URL of the service, for Retrieve URLs.
    """
    stored = [result for result in results if result.failure is None]
    failed = [result for result in results if result.failure is not None and result.sop_instance_uid]
    unreadable = [result for result in results if result.failure is not None and not result.sop_instance_uid]
    module: dict[str, Any] = {}
    if failed:
        module["00081198"] = _value("SQ", *(_reference(result) | _failure(result) for result in failed))
    if stored:
        module["00081199"] = _value("SQ", *(_stored_item(one, f"{service_url}/{category.name}") for one in stored))
    if unreadable:
        module["0008119A"] = _value("SQ", *map(_failure, unreadable))
    return StoreResult(_conclusion(results), module)


def _conclusion(results: Sequence[Ingested]) -> Conclusion:
    failures = {result.failure for result in results if result.failure is not None}
    if any(result.failure is None for result in results):
        return Conclusion.STORED
    if failures == {FailureReason.OUT_OF_RESOURCES}:
        return Conclusion.OUT_OF_RESOURCES
    if failures <= {FailureReason.CANNOT_UNDERSTAND}:
        return Conclusion.UNREADABLE
    return Conclusion.REFUSED


def _stored_item(result: Ingested, category_url: str) -> dict[str, Any]:
    item = _reference(result)
    item["00081190"] = _value("UR", f"{category_url}/{result.sop_instance_uid}")
    if result.outcome is Outcome.KEPT_FIRST:
        item["00081196"] = _value("US", _DISCARDED)
    return dict(sorted(item.items()))


def _reference(result: Ingested) -> dict[str, Any]:
    return {"00081150": _value("UI", result.sop_class_uid), "00081155": _value("UI", result.sop_instance_uid)}


def _failure(result: Ingested) -> dict[str, Any]:
    reason = result.failure or FailureReason.PROCESSING_FAILURE
    text = result.text
    if len(text) > _ERROR_COMMENT_LENGTH:
        text = text[: _ERROR_COMMENT_LENGTH - 1] + "…"
    comment = {"00741048": _value("SQ", {"00000902": _value("LO", text)})} if text else {}
    return {"00081197": _value("US", reason.value)} | comment


def _value(vr: str, *values: Any) -> dict[str, Any]:  # noqa: ANN401 - values of the JSON model are of many types
    return {"vr": vr, "Value": list(values)}
