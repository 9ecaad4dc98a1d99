"""A request to display images, read from its query parameters (IHE RAD-106)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hilum.dicom.uids import is_uid
from hilum.errors import InvalidRequest

MAX_VALUES: Final = 200
"""Most studies or accession numbers that a request may name."""

_MAX_CHARACTERS: Final = 256
_BOOLEANS: Final = frozenset({"true", "false"})
_DATE: Final = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
_BIRTH_DATE: Final = re.compile(r"[0-9]{8}")
_COUNT: Final = re.compile(r"[0-9]{1,6}")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_ONCE: Final = (
    "requestType",
    "patientID",
    "patientName",
    "patientBirthDate",
    "lowerDateTime",
    "upperDateTime",
    "mostRecentResults",
    "modalitiesInStudy",
    "studyUID",
    "accessionNumber",
    "viewerType",
    "diagnosticQuality",
    "keyImagesOnly",
)


@dataclass(frozen=True, slots=True)
class PatientStudies:
    """`requestType=PATIENT`: the studies of one patient."""

    patient_id: str
    assigner: str = ""
    """Namespace, or OID, of the authority that gave the ID; '' if the request names none."""
    name: str = ""
    birth_date: str = ""
    """`YYYYMMDD`."""
    lower: str = ""
    """`YYYYMMDDHHMMSS`, as the upper end; '' leaves an end open."""
    upper: str = ""
    modalities: tuple[str, ...] = ()
    most_recent: int | None = None


@dataclass(frozen=True, slots=True)
class NamedStudies:
    """`requestType=STUDY`: studies by UID or by accession number; one of the two is empty."""

    study_instance_uids: tuple[str, ...] = ()
    accession_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageDisplay:
    """What is to be displayed, and how."""

    wanted: PatientStudies | NamedStudies
    viewer_type: str = ""
    diagnostic_quality: str = ""
    """`true`, `false` or ''."""
    key_images_only: str = ""
    """`true`, `false` or ''."""

    @property
    def patient_id(self) -> str:
        """The patient's ID in the request; '' where it names studies."""
        return self.wanted.patient_id if isinstance(self.wanted, PatientStudies) else ""


def parse_image_display(parameters: Sequence[tuple[str, str]]) -> ImageDisplay:
    """Read the parameters of a request; names that the transaction does not know are passed over (IHE-IID-03).

    Args:
        parameters: names and decoded values.

    Raises:
        InvalidRequest: the kind of request is unknown, a parameter it needs is missing, or a value makes no sense.
    """
    given = _once(parameters)
    kind = given.get("requestType", "")
    if kind not in _KINDS:
        raise InvalidRequest("The parameter requestType must be PATIENT or STUDY.")
    return ImageDisplay(
        wanted=_KINDS[kind](given),
        viewer_type=given.get("viewerType", ""),
        diagnostic_quality=_boolean("diagnosticQuality", given),
        key_images_only=_boolean("keyImagesOnly", given),
    )


def _once(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the known parameters that have a value."""
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in _ONCE:
            continue
        if name in given:
            raise InvalidRequest(f"The parameter {name} may be given once.")
        if _UNSAFE.search(value):
            raise InvalidRequest(f"The parameter {name} holds a character that it may not hold.")
        given[name] = value.strip()
    return {name: value for name, value in given.items() if value}


def _patient_studies(given: Mapping[str, str]) -> PatientStudies:
    patient_id, _, assigner = _short("patientID", given).partition("^^^")
    if not patient_id:
        raise InvalidRequest("A request of the type PATIENT needs the parameter patientID.")
    # CX: the namespace, or nothing and then the OID with its type.
    namespace, _, universal = assigner.partition("&")
    birth_date = given.get("patientBirthDate", "").replace("-", "")
    if birth_date and _BIRTH_DATE.fullmatch(birth_date) is None:
        raise InvalidRequest("The parameter patientBirthDate must be a date.")
    count = given.get("mostRecentResults")
    if count is not None and (_COUNT.fullmatch(count) is None or int(count) < 1):
        raise InvalidRequest("The parameter mostRecentResults must be a number from 1.")
    return PatientStudies(
        patient_id=patient_id,
        assigner=namespace or universal.partition("&")[0],
        name=_short("patientName", given),
        birth_date=birth_date,
        lower=_moment("lowerDateTime", given, "000000"),
        upper=_moment("upperDateTime", given, "235959"),
        modalities=tuple(modality.upper() for modality in _list("modalitiesInStudy", given)),
        most_recent=int(count) if count else None,
    )


def _named_studies(given: Mapping[str, str]) -> NamedStudies:
    uids, numbers = _list("studyUID", given), _list("accessionNumber", given)
    if bool(uids) == bool(numbers):
        raise InvalidRequest("A request of the type STUDY needs either the parameter studyUID or accessionNumber.")
    if not all(is_uid(uid) for uid in uids):
        raise InvalidRequest("The parameter studyUID must be a list of UIDs.")
    return NamedStudies(uids, numbers)


_KINDS: Final[Mapping[str, Callable[[Mapping[str, str]], PatientStudies | NamedStudies]]] = {
    "PATIENT": _patient_studies,
    "STUDY": _named_studies,
}


def _short(name: str, given: Mapping[str, str]) -> str:
    value = given.get(name, "")
    if len(value) > _MAX_CHARACTERS:
        raise InvalidRequest(f"The parameter {name} is longer than {_MAX_CHARACTERS} characters.")
    return value


def _list(name: str, given: Mapping[str, str]) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(value.strip() for value in given.get(name, "").split(",") if value.strip()))
    if len(values) > MAX_VALUES or any(len(value) > _MAX_CHARACTERS for value in values):
        raise InvalidRequest(f"The parameter {name} may have {MAX_VALUES} values of {_MAX_CHARACTERS} characters.")
    return values


def _boolean(name: str, given: Mapping[str, str]) -> str:
    value = given.get(name, "")
    if value and value not in _BOOLEANS:
        raise InvalidRequest(f"The parameter {name} must be true or false.")
    return value


def _moment(name: str, given: Mapping[str, str], rest_of_day: str) -> str:
    """Return a point in time as `YYYYMMDDHHMMSS` on this server's clock; '' if there is none.

    Args:
        name: of the parameter.
        given: all parameters.
        rest_of_day: what a date alone stands for.
    """
    # A plus sign that was not encoded has become a space.
    text = given.get(name, "").replace(" ", "+")
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"The parameter {name} must be a date and time of ISO 8601.") from error
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone()
        except (OverflowError, ValueError) as error:
            raise InvalidRequest(f"The parameter {name} must be a date and time of ISO 8601.") from error
    time = rest_of_day if _DATE.fullmatch(text) else f"{moment:%H%M%S}"
    return f"{moment.year:04}{moment:%m%d}{time}"
