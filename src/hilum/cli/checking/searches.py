"""Checks of the Search transaction (PS3.18 8.3.4, 10.6)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from hilum.cli.checking.probe import JSON, XML, Probe
from hilum.cli.checking.records import Check, CheckFailed, NotApplicable, Subject

_STUDY_UID, _SERIES_UID, _SOP_UID = "0020000D", "0020000E", "00080018"
_STUDY_KEYS: Final = (
    *("00080020", "00080030", "00080050", "00080061", "00080090", "00100010", "00100020", "00100030", "00100040"),
    *("0020000D", "00200010", "00201206", "00201208"),
)
_FOUND: Final = (200, 204)


def _value(result: Mapping[str, Any], tag: str) -> Any:  # noqa: ANN401 - of any type
    element = result.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _finds(path: str, tag: str, what: str, probe: Probe, subject: Subject) -> str:
    filled = path.format(subject=subject)
    wanted = {_STUDY_UID: subject.study, _SERIES_UID: subject.series, _SOP_UID: subject.instance}[tag]
    results = probe.expect({200}, filled).data_sets()
    if not any(_value(result, tag) == wanted for result in results):
        raise CheckFailed(f"None of the {len(results)} results is the {what} {wanted}.")
    return f"{len(results)} results, the {what} among them."


def _refuses(query: str, probe: Probe, _subject: Subject) -> str:
    probe.expect({400}, f"/studies?{query}")
    return "Refused with 400."


def _takes(query: str, probe: Probe, _subject: Subject) -> str:
    seen = probe.expect(_FOUND, f"/studies?{query}")
    return f"Answered {seen.status}."


def _none(probe: Probe, _subject: Subject) -> str:
    seen = probe.expect({204}, "/studies?PatientID=No.Such.Patient.Here&StudyInstanceUID=1.2.3.4.5.404")
    if seen.body:
        raise CheckFailed(f"204 came with {len(seen.body)} bytes.")
    return "204 without a payload."


def _json_type(probe: Probe, subject: Subject) -> str:
    seen = probe.expect({200}, f"/studies?StudyInstanceUID={subject.study}")
    if seen.media_type != JSON:
        raise CheckFailed(f"The Content-Type is {seen.headers.get('content-type', 'absent')}.")
    seen.data_sets()
    return "An array in application/dicom+json."


def _xml(probe: Probe, subject: Subject) -> str:
    seen = probe.expect({200}, f"/studies?StudyInstanceUID={subject.study}", XML)
    parts = seen.parts()
    if not parts or not all(b"NativeDicomModel" in content for _, content in parts):
        raise CheckFailed("The parts are no documents of the Native DICOM Model.")
    return f"{len(parts)} parts in XML."


def _returned(probe: Probe, subject: Subject) -> str:
    results = probe.expect({200}, f"/studies?StudyInstanceUID={subject.study}").data_sets()
    missing = sorted({tag for tag in _STUDY_KEYS for result in results if tag not in result})
    if missing:
        raise CheckFailed(f"Required attributes are missing: {', '.join(missing)}.")
    return f"All {len(_STUDY_KEYS)} required attributes are there."


def _retrieve_url(probe: Probe, subject: Subject) -> str:
    results = probe.expect({200}, f"/studies?StudyInstanceUID={subject.study}").data_sets()
    url = _value(results[0], "00081190") if results else None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise CheckFailed(f"Retrieve URL is {url!r}.")
    if not url.rstrip("/").endswith(subject.study_path):
        raise CheckFailed(f"Retrieve URL is {url}, which does not name the study.")
    return url


def _pages(probe: Probe, _subject: Subject) -> str:
    every = probe.expect(_FOUND, "/instances?limit=3")
    if every.status != 200 or len(every.data_sets()) < 2:
        raise NotApplicable("There are fewer than two instances.")
    first = probe.expect({200}, "/instances?limit=1").data_sets()
    second = probe.expect({200}, "/instances?limit=1&offset=1").data_sets()
    if len(first) != 1 or len(second) != 1:
        raise CheckFailed(f"limit=1 gave {len(first)} and {len(second)} results.")
    if _value(first[0], _SOP_UID) == _value(second[0], _SOP_UID):
        raise CheckFailed("offset=1 gave the first result again.")
    return "Two pages of one result each, which differ."


def _order(probe: Probe, subject: Subject) -> str:
    """Members ascend by name in every data set (JSON-05)."""
    for result in probe.expect({200}, f"/studies?StudyInstanceUID={subject.study}").data_sets():
        if list(result) != sorted(result):
            raise CheckFailed("The members are not in ascending order.")
        if any(name != name.upper() or len(name) != 8 for name in result):
            raise CheckFailed("A member name is not eight upper-case digits.")
    return "Members ascend."


def _ignored(probe: Probe, subject: Subject) -> str:
    results = probe.expect({200}, f"/studies?StudyInstanceUID={subject.study}&no_such_parameter=1").data_sets()
    return f"Ignored: {len(results)} results."


def _not_acceptable(probe: Probe, _subject: Subject) -> str:
    probe.expect({406}, "/studies?limit=1", "image/png")
    return "406."


def _no_accept(probe: Probe, _subject: Subject) -> str:
    probe.expect({406}, "/studies?limit=1", None)
    return "406."


def _includes(probe: Probe, subject: Subject) -> str:
    path = f"/studies?StudyInstanceUID={subject.study}&includefield=StudyDescription&includefield=00081048"
    results = probe.expect({200}, path).data_sets()
    missing = [tag for tag in ("00081030", "00081048") if any(tag not in result for result in results)]
    if missing and not subject.written:
        # Whether the server supports the attribute at all cannot be told from outside.
        raise NotApplicable("The study need not have these attributes: --write stores one that has.")
    if missing:
        raise CheckFailed(f"What includefield names is missing: {', '.join(missing)}.")
    return "Both attributes are there."


SEARCH_CHECKS: Final = (
    Check(
        "QIDO-01",
        "Search for Studies finds a study by its UID",
        partial(_finds, "/studies?StudyInstanceUID={subject.study}", _STUDY_UID, "study"),
    ),
    Check("QP-05", "A key may be a tag", partial(_finds, "/studies?0020000D={subject.study}", _STUDY_UID, "study")),
    Check(
        "QIDO-02",
        "Search for a study's Series finds a series by its UID",
        partial(_finds, "{subject.study_path}/series?SeriesInstanceUID={subject.series}", _SERIES_UID, "series"),
    ),
    Check(
        "QIDO-05",
        "Search for a series' Instances finds an instance by its UID",
        partial(_finds, "{subject.series_path}/instances?SOPInstanceUID={subject.instance}", _SOP_UID, "instance"),
    ),
    Check(
        "QIDO-03",
        "Search for a study's Instances finds an instance",
        partial(_finds, "{subject.study_path}/instances?SOPInstanceUID={subject.instance}", _SOP_UID, "instance"),
    ),
    Check(
        "QIDO-04",
        "Search for Series finds a series",
        partial(_finds, "/series?SeriesInstanceUID={subject.series}", _SERIES_UID, "series"),
    ),
    Check(
        "QIDO-06",
        "Search for Instances finds an instance",
        partial(_finds, "/instances?SOPInstanceUID={subject.instance}", _SOP_UID, "instance"),
    ),
    Check(
        "QIDO-16",
        "A list of UIDs matches any of them",
        partial(_finds, "/studies?StudyInstanceUID=1.2.3.404,{subject.study}", _STUDY_UID, "study"),
    ),
    Check(
        "QIDO-11",
        "Study attributes are keys of a search for instances",
        partial(
            _finds,
            "/instances?StudyInstanceUID={subject.study}&SOPInstanceUID={subject.instance}",
            _SOP_UID,
            "instance",
        ),
    ),
    Check("QIDO-20", "Results are an array in application/dicom+json", _json_type),
    Check("QIDO-20", "Results come in XML, a part each", _xml),
    Check("QIDO-21", "Required attributes of studies are returned", _returned),
    Check("QIDO-24", "Retrieve URL is absolute and names the study", _retrieve_url),
    Check("JSON-03 JSON-05", "Members are upper-case tags in ascending order", _order),
    Check("SRCH-21", "An includefield returns what it names, by keyword and by tag", _includes),
    Check("SRCH-42 QIDO-41", "A search without matches is 204 without a payload", _none, needs_subject=False),
    Check("SRCH-40 SRCH-41", "A limit and an offset page through the results", _pages, needs_subject=False),
    Check("QP-09", "An unknown parameter is ignored", _ignored),
    Check("QP-10", "A limit that is no number is refused", partial(_refuses, "limit=many"), needs_subject=False),
    Check("QP-10", "An offset below zero is refused", partial(_refuses, "offset=-1"), needs_subject=False),
    Check("SRCH-05", "A tag that cannot be parsed is refused", partial(_refuses, "0010001X=1"), needs_subject=False),
    Check(
        "SRCH-01",
        "An attribute that is matched twice is refused",
        partial(_refuses, "PatientID=1&PatientID=2"),
        needs_subject=False,
    ),
    Check(
        "SRCH-20",
        "An includefield of all stands alone",
        partial(_refuses, "includefield=all&includefield=PatientID"),
        needs_subject=False,
    ),
    Check(
        "SRCH-08", "A date range is taken", partial(_takes, "StudyDate=19000101-20991231&limit=1"), needs_subject=False
    ),
    Check("SRCH-06", "A wildcard is taken", partial(_takes, "PatientName=*A*&limit=1"), needs_subject=False),
    Check(
        "SRCH-13",
        "A sequence path is taken",
        partial(_takes, "RequestAttributesSequence.ScheduledProcedureStepID=1&limit=1"),
        needs_subject=False,
    ),
    Check(
        "SRCH-23",
        "The parameter fuzzymatching is recognised",
        partial(_takes, "fuzzymatching=true&PatientName=A&limit=1"),
        needs_subject=False,
    ),
    Check(
        "SRCH-30",
        "The parameter emptyvaluematching is recognised",
        partial(_takes, "emptyvaluematching=true&limit=1"),
        needs_subject=False,
    ),
    Check(
        "SRCH-33",
        "The parameter multiplevaluematching is recognised",
        partial(_takes, "multiplevaluematching=true&limit=1"),
        needs_subject=False,
    ),
    Check("QIDO-43 NEG-23", "A search in a type that it does not have is 406", _not_acceptable, needs_subject=False),
    Check("NEG-02", "A request without Accept is 406", _no_accept, needs_subject=False),
)
