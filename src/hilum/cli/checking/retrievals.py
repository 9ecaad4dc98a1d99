"""Checks of the Retrieve transaction (PS3.18 10.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin

from hilum.cli.checking.probe import JSON, OBJECTS, OCTETS, XML, Probe, Seen
from hilum.cli.checking.records import Check, CheckFailed, NotApplicable, Subject

_BULK_VRS: Final = frozenset(
    vr for row in ("DS FL FD IS LT OB OD OF OL OV OW", "SL SS ST SV UC UL UN US UT UV") for vr in row.split()
)
_CHILDREN: Final = frozenset({"Value", "BulkDataURI", "InlineBinary"})
_NEVER: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.2")


def _objects(level: str, probe: Probe, subject: Subject) -> str:
    seen = probe.expect({200, 206}, level.format(subject=subject), OBJECTS)
    parts = seen.parts()
    for headers, content in parts:
        if content[128:132] != b"DICM":
            raise CheckFailed("A part is no PS3.10 object.")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/dicom":
            raise CheckFailed(f"The Content-Type of a part is {headers.get('content-type', 'absent')}.")
    return f"{len(parts)} objects."


def _alone(probe: Probe, subject: Subject) -> str:
    seen = probe.expect({200}, subject.path, "application/dicom")
    if seen.media_type != "application/dicom" or seen.body[128:132] != b"DICM":
        raise CheckFailed(f"The payload is {seen.media_type}, and no PS3.10 object.")
    return f"One object of {len(seen.body)} bytes."


def _only_multipart(level: str, probe: Probe, subject: Subject) -> str:
    probe.expect({406}, level.format(subject=subject), "application/dicom")
    return "406."


def _syntax_told(probe: Probe, subject: Subject) -> str:
    headers, _ = probe.expect({200, 206}, subject.path, OBJECTS).parts()[0]
    if "transfer-syntax=" not in headers.get("content-type", "").replace(" ", ""):
        raise CheckFailed(f"The Content-Type of the part is {headers.get('content-type', 'absent')}.")
    return headers["content-type"]


def _never_travels(probe: Probe, subject: Subject) -> str:
    _, content = probe.expect({200, 206}, subject.path, f"{OBJECTS}; transfer-syntax=*").parts()[0]
    uid = _transfer_syntax(content)
    if uid in _NEVER:
        raise CheckFailed(f"The object comes in {uid}.")
    return f"The object comes in {uid}."


def _transfer_syntax(content: bytes) -> str:
    position = content.find(b"\x02\x00\x10\x00UI")
    if position < 0:
        raise CheckFailed("The object has no Transfer Syntax UID.")
    length = int.from_bytes(content[position + 6 : position + 8], "little")
    return content[position + 8 : position + 8 + length].rstrip(b"\0").decode("ascii", "replace")


def _metadata(level: str, probe: Probe, subject: Subject) -> str:
    seen = probe.expect({200}, level.format(subject=subject))
    if seen.media_type != JSON:
        raise CheckFailed(f"The Content-Type is {seen.headers.get('content-type', 'absent')}.")
    found = {_text(data_set, "00080018") for data_set in seen.data_sets()}
    if subject.instance not in found:
        raise CheckFailed(f"The instance {subject.instance} is not among the {len(found)} data sets.")
    return f"{len(found)} data sets."


def _text(data_set: Mapping[str, Any], tag: str) -> str:
    values = data_set.get(tag, {}).get("Value") or [""]
    return str(values[0])


def _instance_metadata(probe: Probe, subject: Subject) -> dict[str, Any]:
    return probe.expect({200}, f"{subject.path}/metadata").data_sets()[0]


def _walk(data_set: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for tag, element in data_set.items():
        yield tag, element
        if element.get("vr") == "SQ":
            for item in element.get("Value", ()):
                yield from _walk(item)


def _model(probe: Probe, subject: Subject) -> str:
    count = 0
    for tag, element in _walk(_instance_metadata(probe, subject)):
        count += 1
        if not isinstance(element.get("vr"), str) or len(element.keys() & _CHILDREN) > 1:
            raise CheckFailed(f"{tag} has no VR, or more than one of Value, BulkDataURI and InlineBinary.")
        if element.get("Value") == [] or element.get("Value") == [""]:
            raise CheckFailed(f"{tag} is empty, and has a Value all the same (JSON-31).")
        if "BulkDataURI" in element and element["vr"] not in _BULK_VRS:
            raise CheckFailed(f"{tag} of VR {element['vr']} has a BulkDataURI (JSON-32).")
    return f"{count} attributes."


def _no_meta(probe: Probe, subject: Subject) -> str:
    for tag, _ in _walk(_instance_metadata(probe, subject)):
        if tag.startswith(("0000", "0002")) or tag.endswith("0000"):
            raise CheckFailed(f"The metadata hold {tag}.")
    return "No group 0002, no group length."


def _pixels_by_reference(probe: Probe, subject: Subject) -> str:
    if not subject.has_frames:
        raise NotApplicable("The instance has no pixels.")
    element = _instance_metadata(probe, subject).get("7FE00010", {})
    if element.keys() & {"Value", "InlineBinary"}:
        raise CheckFailed("Pixel Data stand inside the metadata.")
    return "Pixel Data are referred to, or left out."


def _bulk(probe: Probe, subject: Subject) -> str:
    uris = [
        element["BulkDataURI"] for _, element in _walk(_instance_metadata(probe, subject)) if "BulkDataURI" in element
    ]
    if not uris:
        raise NotApplicable("The metadata have no BulkDataURI.")
    url = urljoin(probe.url(f"{subject.path}/metadata"), uris[-1])
    seen = probe.expect({200, 206}, url, OCTETS)
    return f"{len(uris)} URIs; one of them gave {len(seen.body)} bytes."


def _frame(probe: Probe, subject: Subject) -> str:
    if not subject.has_frames:
        raise NotApplicable("The instance has no pixels.")
    parts = probe.expect({200}, f"{subject.path}/frames/1", OCTETS).parts()
    if len(parts) != 1:
        raise CheckFailed(f"One frame came in {len(parts)} parts.")
    return f"A frame of {len(parts[0][1])} bytes."


def _frame_status(frames: str, status: int, probe: Probe, subject: Subject) -> str:
    if not subject.has_frames:
        raise NotApplicable("The instance has no pixels.")
    probe.expect({status}, f"{subject.path}/frames/{frames}", OCTETS)
    return f"{status}."


def _rendered(level: str, media_type: str, start: bytes, probe: Probe, subject: Subject) -> str:
    if not subject.has_frames:
        raise NotApplicable("The instance has no pixels.")
    seen = probe.expect({200}, level.format(subject=subject), media_type)
    if seen.media_type != media_type or not seen.body.startswith(start):
        raise CheckFailed(f"The payload is {seen.media_type}.")
    return f"{media_type} of {len(seen.body)} bytes."


def _rendered_status(query: str, status: int, probe: Probe, subject: Subject) -> str:
    if not subject.has_frames:
        raise NotApplicable("The instance has no pixels.")
    probe.expect({status}, f"{subject.path}/rendered?{query}", "image/jpeg")
    return f"{status}."


def _thumbnail(probe: Probe, subject: Subject) -> str:
    if probe.ask(f"{subject.path}/thumbnail", "image/jpeg").status == HTTPStatus.NOT_FOUND:
        raise NotApplicable("The server has no thumbnails, which are optional.")
    return _rendered("{subject.path}/thumbnail", "image/jpeg", b"\xff\xd8", probe, subject)


def _pixel_status(path: str, probe: Probe, subject: Subject) -> str:
    if not subject.has_frames:
        raise NotApplicable("The instance has no pixels.")
    return _status(path, OCTETS, 200, probe, subject)


def _status(path: str, accept: str, status: int, probe: Probe, subject: Subject) -> str:
    probe.expect({status}, path.format(subject=subject), accept)
    return f"{status}."


def _xml(probe: Probe, subject: Subject) -> str:
    parts = probe.expect({200}, f"{subject.path}/metadata", XML).parts()
    if not all(b"NativeDicomModel" in content for _, content in parts):
        raise CheckFailed("The part is no document of the Native DICOM Model.")
    return "One document."


def _head(probe: Probe, subject: Subject) -> str:
    seen = probe.expect({200}, f"{subject.path}/metadata", method="HEAD")
    if seen.body:
        raise CheckFailed("HEAD came with a payload.")
    return "200 without a payload."


def _bit_for_bit(probe: Probe, subject: Subject) -> str:
    if not subject.written:
        raise NotApplicable("This run has stored nothing: --write.")
    _, content = probe.expect({200}, subject.path, f"{OBJECTS}; transfer-syntax=*").parts()[0]
    return _same_data_set(content, subject.written)


def _same_data_set(content: bytes, written: bytes) -> str:
    if _data_set(content) != _data_set(written):
        raise CheckFailed("The data set that came back is not the one that was stored.")
    return f"The same data set, SHA-256 {hashlib.sha256(_data_set(content)).hexdigest()[:16]}."


def _data_set(content: bytes) -> bytes:
    length = int.from_bytes(content[140:144], "little")
    return content[144 + length :]


def _type_listed(probe: Probe, subject: Subject) -> str:
    seen: Seen = probe.expect({406}, f"{subject.path}/metadata", "image/gif")
    if b"dicom+json" not in seen.body:
        raise CheckFailed("The payload of 406 does not list application/dicom+json.")
    return "It lists what there is."


_S, _E, _I = "{subject.study_path}", "{subject.series_path}", "{subject.path}"

RETRIEVE_CHECKS: Final = (
    Check("WADO-01 WADO-40", "Retrieve Study: a part an instance", partial(_objects, _S)),
    Check("WADO-01 WADO-40", "Retrieve Series: a part an instance", partial(_objects, _E)),
    Check("WADO-01 WADO-40", "Retrieve Instance in one part", partial(_objects, _I)),
    Check("WADO-26", "An instance comes alone as application/dicom", _alone),
    Check("WADO-27", "A study does not come as application/dicom alone", partial(_only_multipart, _S)),
    Check("TSX-10", "The Content-Type of a part names its transfer syntax", _syntax_told),
    Check("TSX-01", "Implicit VR and big endian never travel", _never_travels),
    Check("STOW-20", "What was stored comes back", _bit_for_bit),
    Check("WADO-02 WADO-29", "Metadata of a study are one array", partial(_metadata, _S + "/metadata")),
    Check("WADO-02 WADO-29", "Metadata of a series are one array", partial(_metadata, _E + "/metadata")),
    Check("WADO-02 JSON-02", "Metadata of an instance are an array of one", partial(_metadata, _I + "/metadata")),
    Check("XML-02", "Metadata come in XML", _xml),
    Check("JSON-04 JSON-31 JSON-32", "Metadata follow the DICOM JSON Model", _model),
    Check("WADO-46 JSON-06 JSON-07", "Metadata hold no group 0002 and no group length", _no_meta),
    Check("WADO-44", "Pixel Data never stand inside metadata", _pixels_by_reference),
    Check("WADO-45 WADO-10", "A BulkDataURI of metadata can be retrieved", _bulk),
    Check("WADO-10", "Bulk data of an instance", partial(_pixel_status, _I + "/bulkdata")),
    Check("WADO-12", "Pixel data of an instance", partial(_pixel_status, _I + "/pixeldata")),
    Check("WADO-11 WADO-52", "A frame comes in one part", _frame),
    Check("WADO-05", "Frame 0 is refused", partial(_frame_status, "0", 400)),
    Check("WADO-05", "A frame list that does not ascend is refused", partial(_frame_status, "2,1", 400)),
    Check("WADO-05", "A frame that is no number is refused", partial(_frame_status, "one", 400)),
    Check("WADO-05", "A frame beyond the last is not found", partial(_frame_status, "99999", 404)),
    Check(
        "WADO-03 WADO-56",
        "An instance is rendered as JPEG",
        partial(_rendered, _I + "/rendered", "image/jpeg", b"\xff\xd8"),
    ),
    Check("WADO-56", "An instance is rendered as PNG", partial(_rendered, _I + "/rendered", "image/png", b"\x89PNG")),
    Check("WADO-58", "An instance has a thumbnail", _thumbnail),
    Check("REND-20", "A viewport is taken", partial(_rendered_status, "viewport=64,64", 200)),
    Check("REND-15", "A quality above 100 is refused", partial(_rendered_status, "quality=101", 400)),
    Check("REND-26", "A window without function is refused", partial(_rendered_status, "window=40,x,linear", 400)),
    Check(
        "WADO-73",
        "An unknown study is not found",
        partial(_status, "/studies/1.2.3.4.5.404", OBJECTS, 404),
        needs_subject=False,
    ),
    Check(
        "WADO-73",
        "Metadata of an unknown study are not found",
        partial(_status, "/studies/1.2.3.4.5.404/metadata", JSON, 404),
        needs_subject=False,
    ),
    Check(
        "WADO-06",
        "An instance under another study is not found",
        partial(_status, "/studies/1.2.3.404/series/{subject.series}/instances/{subject.instance}", OBJECTS, 404),
    ),
    Check(
        "WADO-06",
        "A malformed UID is refused",
        partial(_status, "/studies/not-a-uid/metadata", JSON, 400),
        needs_subject=False,
    ),
    Check("WADO-74", "Metadata in an image type are 406", partial(_status, _I + "/metadata", "image/png", 406)),
    Check("NEG-20", "406 lists the available media types", _type_listed),
    Check(
        "NEG-07",
        "A wildcard in the accept parameter is refused",
        partial(_status, _I + "/metadata?accept=*/*", "*/*", 400),
    ),
    Check(
        "NEG-01",
        "The accept parameter selects",
        partial(_status, _I + "/metadata?accept=application/dicom%2Bjson", "*/*", 200),
    ),
    Check("NEG-11", "*/* gives metadata in their default", partial(_status, _I + "/metadata", "*/*", 200)),
    Check(
        "CHR-04",
        "A charset that is not supported is refused",
        partial(_status, _I + "/metadata?charset=no-such-charset", JSON, 400),
    ),
    Check(
        "WADO-31",
        "The type application/json means application/dicom+json",
        partial(_status, _I + "/metadata", "application/json", 200),
    ),
    Check("WADO-07", "HEAD is answered as GET, without a payload", _head),
)
