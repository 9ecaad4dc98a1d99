"""Find the studies that a request to display images opens (IHE RAD-106)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import orjson

from hilum.archive.archive import Archive
from hilum.dicom.levels import tag_of
from hilum.dicom.searching.query import Level, Match, Query, SingleValue, UidList
from hilum.errors import TargetNotFound
from hilum.services.image_display.request import ImageDisplay, NamedStudies, PatientStudies

_STUDY_UID: Final = tag_of("StudyInstanceUID")
_STUDY_DATE: Final = tag_of("StudyDate")
_STUDY_TIME: Final = tag_of("StudyTime")
_MODALITIES: Final = tag_of("ModalitiesInStudy")
_ACCESSION_NUMBER: Final = tag_of("AccessionNumber")
_PATIENT_ID: Final = tag_of("PatientID")
_PATIENT_NAME: Final = tag_of("PatientName")
_BIRTH_DATE: Final = tag_of("PatientBirthDate")
_ISSUER: Final = tag_of("IssuerOfPatientID")
_QUALIFIERS: Final = tag_of("IssuerOfPatientIDQualifiersSequence")
_UNIVERSAL_ID: Final = tag_of("UniversalEntityID")
_NOTHING: Final = "The origin server has no such study."

Attributes = dict[str, Any]
"""A study in the DICOM JSON Model."""


def find_displayed(display: ImageDisplay, *, archive: Archive) -> tuple[str, ...]:
    """Return the UIDs of the studies to display: the newest first, or in the order of the request.

    Raises:
        TargetNotFound: there is none (IHE-IID-02).

    Source: IHE RAD-106.
    """
    if isinstance(display.wanted, PatientStudies):
        found = _of_patient(display.wanted, archive)
    else:
        found = _named(display.wanted, archive)
    if not found:
        raise TargetNotFound(_NOTHING)
    return tuple(found[: archive.settings.viewer.max_displayed_studies])


def _named(wanted: NamedStudies, archive: Archive) -> list[str]:
    if wanted.study_instance_uids:
        match = Match((_STUDY_UID,), "UI", UidList(wanted.study_instance_uids))
        known = {_text(study, _STUDY_UID) for study in _search((match,), archive)}
        return [uid for uid in wanted.study_instance_uids if uid in known]
    uids: dict[str, None] = {}
    for number in wanted.accession_numbers:
        match = Match((_ACCESSION_NUMBER,), "SH", SingleValue(number))
        uids |= dict.fromkeys(_text(study, _STUDY_UID) for study in _search((match,), archive))
    return list(uids)


def _of_patient(wanted: PatientStudies, archive: Archive) -> list[str]:
    match = Match((_PATIENT_ID,), "LO", SingleValue(wanted.patient_id))
    studies = [study for study in _search((match,), archive) if all(fits(study, wanted) for fits in _CHECKS)]
    studies.sort(key=_began, reverse=True)
    return [_text(study, _STUDY_UID) for study in studies[: wanted.most_recent]]


def _search(matches: tuple[Match, ...], archive: Archive) -> Iterator[Attributes]:
    query = Query(
        level=Level.STUDY,
        matches=matches,
        include=(_ISSUER, _QUALIFIERS),
        limit=archive.settings.search.max_results,
    )
    for before, after in archive.index.search(query).items:
        study: Attributes = orjson.loads(before + after)
        yield study


def _is_of_assigner(study: Attributes, wanted: PatientStudies) -> bool:
    """Say whether the ID may be of the authority that is asked for; most studies do not say whose theirs is."""
    qualifiers = study.get(_QUALIFIERS, {}).get("Value") or [{}]
    issuers = {_text(study, _ISSUER), _text(qualifiers[0], _UNIVERSAL_ID)} - {""}
    return not wanted.assigner or not issuers or wanted.assigner in issuers


def _is_born_then(study: Attributes, wanted: PatientStudies) -> bool:
    birth_date = _text(study, _BIRTH_DATE)
    return not wanted.birth_date or not birth_date or birth_date == wanted.birth_date


def _is_named_so(study: Attributes, wanted: PatientStudies) -> bool:
    """Say whether names have a word in common: they are written in too many ways to ask for more."""
    words = _words(_name(study))
    return not wanted.name or not words or bool(words & _words(wanted.name))


def _is_in_time(study: Attributes, wanted: PatientStudies) -> bool:
    began = _began(study)
    if not wanted.lower and not wanted.upper:
        return True
    if len(began) < len("YYYYMMDD"):
        return False
    # A study without a time may have begun at any of that day.
    first, last = began.ljust(14, "0"), began if len(began) == len("YYYYMMDDHHMMSS") else f"{began[:8]}235959"
    return (not wanted.lower or last >= wanted.lower) and (not wanted.upper or first <= wanted.upper)


def _has_modality(study: Attributes, wanted: PatientStudies) -> bool:
    modalities = study.get(_MODALITIES, {}).get("Value") or []
    return not wanted.modalities or bool(set(wanted.modalities).intersection(modalities))


# IHE-IID-01: what the request says beyond the ID narrows the studies, or guards against another patient's.
_CHECKS: Final[Sequence[Callable[[Attributes, PatientStudies], bool]]] = (
    _is_of_assigner,
    _is_born_then,
    _is_named_so,
    _is_in_time,
    _has_modality,
)


def _began(study: Attributes) -> str:
    """Return `YYYYMMDDHHMMSS`, or what of it the study says."""
    time = _text(study, _STUDY_TIME).partition(".")[0].replace(":", "")
    return _text(study, _STUDY_DATE).replace(".", "") + time


def _text(attributes: Attributes, tag: str) -> str:
    values = attributes.get(tag, {}).get("Value") or [""]
    return values[0] if isinstance(values[0], str) else ""


def _name(study: Attributes) -> str:
    values = study.get(_PATIENT_NAME, {}).get("Value") or [{}]
    groups = values[0].values() if isinstance(values[0], dict) else ()
    return " ".join(str(group) for group in groups)


def _words(name: str) -> set[str]:
    return set(name.replace("^", " ").replace("=", " ").replace(",", " ").casefold().split())
