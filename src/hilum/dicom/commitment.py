"""Storage commitment as data: what a request names, and what the response says of it (PS3.18 annex J)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any, Final

from hilum.dicom.uids import is_uid

_REFERENCED_SOP: Final = "00081199"
_FAILED_SOP: Final = "00081198"
_REFERENCED_STUDY: Final = "00081110"
_FAILED_STUDY: Final = "0008119B"
_REFERENCED_SERIES: Final = "00081115"
_BY_SOP_CLASS: Final = "00081112"
_INSTANCES: Final = "0008114A"
_STUDY_UID: Final = "0020000D"
_SERIES_UID: Final = "0020000E"
_CLASS_UID: Final = "00081150"
_INSTANCE_UID: Final = "00081155"
_REASON: Final = "00081197"


class Form(Enum):
    """How a request names its instances, and the response answers in the same way."""

    INSTANCES = "instances"
    STUDIES = "studies"


class FailureReason(Enum):
    """Why an instance is not committed (PS3.3 C.14.1.1)."""

    PROCESSING_FAILURE = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    CLASS_DIFFERS = 0x0119
    RESOURCE_LIMITATION = 0x0213


@dataclass(frozen=True, slots=True)
class Reference:
    """One instance that is to be kept; its study and series are '' in a request that names instances alone."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str = ""
    series_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """A Storage Commitment Request Module."""

    form: Form
    references: tuple[Reference, ...]


class RequestInvalid(ValueError):
    """The module says nothing that can be committed to; the message is one sentence to the user agent."""


def parse_request(data_set: Mapping[str, Any], *, most: int) -> CommitmentRequest:
    """Return what a module in the DICOM JSON Model asks for.

    Args:
        data_set: the module.
        most: instances that one request may name.

    Raises:
        RequestInvalid: it names none, too many, or something that is no UID.

    Source: PS3.18 J.1 (SC-20).
    """
    if (_REFERENCED_SOP in data_set) == (_REFERENCED_STUDY in data_set):
        raise RequestInvalid("The request must have a Referenced SOP Sequence or a Referenced Study Sequence.")
    if _REFERENCED_SOP in data_set:
        form = Form.INSTANCES
        found: Iterable[Reference] = (
            Reference(_uid(item, _CLASS_UID), _uid(item, _INSTANCE_UID)) for item in _items(data_set, _REFERENCED_SOP)
        )
    else:
        form = Form.STUDIES
        found = _of_studies(data_set)
    references: list[Reference] = []
    for reference in found:
        if len(references) == most:
            raise RequestInvalid(f"One request may name {most} instances.")
        references.append(reference)
    if not references:
        raise RequestInvalid("The request names no instance.")
    return CommitmentRequest(form, tuple(references))


def _of_studies(data_set: Mapping[str, Any]) -> Iterator[Reference]:
    for study in _items(data_set, _REFERENCED_STUDY):
        study_uid = _uid(study, _STUDY_UID)
        for series in _items(study, _REFERENCED_SERIES):
            series_uid = _uid(series, _SERIES_UID)
            for group in _items(series, _BY_SOP_CLASS):
                class_uid = _uid(group, _CLASS_UID)
                for item in _items(group, _INSTANCES):
                    yield Reference(class_uid, _uid(item, _INSTANCE_UID), study_uid, series_uid)


def _items(data_set: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    element = data_set.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    if not isinstance(values, list) or not values or not all(isinstance(value, dict) for value in values):
        raise RequestInvalid(f"The sequence {tag} must have items.")
    return values


def _uid(item: Mapping[str, Any], tag: str) -> str:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    value = values[0] if isinstance(values, list) and len(values) == 1 else None
    if not isinstance(value, str) or not is_uid(value):
        raise RequestInvalid(f"The attribute {tag} must be a UID.")
    return value


Verdict = tuple[Reference, FailureReason | None]
"""An instance, and why it is not committed; None: it is."""


def response_module(form: Form, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the response module in the DICOM JSON Model, its attributes ascending.

    Source: PS3.18 J.2 (SC-21).
    """
    committed = [verdict for verdict in verdicts if verdict[1] is None]
    failed = [verdict for verdict in verdicts if verdict[1] is not None]
    if form is Form.INSTANCES:
        parts = {_REFERENCED_SOP: [_item(one) for one in committed], _FAILED_SOP: [_item(one) for one in failed]}
    else:
        parts = {_REFERENCED_STUDY: _studies(committed), _FAILED_STUDY: _studies(failed)}
    return {tag: {"vr": "SQ", "Value": items} for tag, items in sorted(parts.items()) if items}


def _item(verdict: Verdict) -> dict[str, Any]:
    reference, reason = verdict
    return {
        _CLASS_UID: {"vr": "UI", "Value": [reference.sop_class_uid]},
        _INSTANCE_UID: {"vr": "UI", "Value": [reference.sop_instance_uid]},
        **({} if reason is None else {_REASON: {"vr": "US", "Value": [reason.value]}}),
    }


def _studies(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return the verdicts as the request nests them; those of one series and class stand together."""
    ordered = sorted(verdicts, key=lambda one: _place(one[0]))
    return [
        {
            _REFERENCED_SERIES: {
                "vr": "SQ",
                "Value": [_series(series_uid, group) for series_uid, group in _grouped(of_study, 1)],
            },
            _STUDY_UID: {"vr": "UI", "Value": [study_uid]},
        }
        for study_uid, of_study in _grouped(ordered, 0)
    ]


def _series(series_uid: str, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    classes = [
        {
            _INSTANCES: {"vr": "SQ", "Value": [_without_class(_item(one)) for one in of_class]},
            _CLASS_UID: {"vr": "UI", "Value": [class_uid]},
        }
        for class_uid, of_class in _grouped(verdicts, 2)
    ]
    return {_BY_SOP_CLASS: {"vr": "SQ", "Value": classes}, _SERIES_UID: {"vr": "UI", "Value": [series_uid]}}


def _without_class(item: dict[str, Any]) -> dict[str, Any]:
    return {tag: element for tag, element in item.items() if tag != _CLASS_UID}


def _place(reference: Reference) -> tuple[str, str, str]:
    return reference.study_instance_uid, reference.series_instance_uid, reference.sop_class_uid


def _grouped(verdicts: Iterable[Verdict], depth: int) -> list[tuple[str, list[Verdict]]]:
    return [(uid, list(group)) for uid, group in groupby(verdicts, key=lambda one: _place(one[0])[depth])]
