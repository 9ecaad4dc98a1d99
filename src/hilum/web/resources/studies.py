"""Resources of the Studies Service (PS3.18 chapter 10)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.dicom.levels import MATCHING_KEYS, Level
from hilum.dicom.pixels.encode import LOSSLESS_TARGETS, LOSSY_TARGETS
from hilum.dicom.searching.attribute_paths import name_of
from hilum.dicom.transfer_syntaxes import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN
from hilum.web.resources.rendered import RENDERED_RESOURCES
from hilum.web.resources.resource import Handler, Parameter, Resource, Service
from hilum.web.resources.shared import ACCEPT, MATCHING, PAGING, RETRIEVE_STATUSES, SEARCH_STATUSES, STORE_STATUSES
from hilum.web.services import store, studies

_STUDY: Final = "/studies/{study}"
_SERIES: Final = f"{_STUDY}/series/{{series}}"
_INSTANCE: Final = f"{_SERIES}/instances/{{instance}}"

_XML: Final = 'multipart/related; type="application/dicom+xml"'
_DATA_SETS: Final = ("application/dicom+json", _XML)
_DATA_SET: Final = (*_DATA_SETS, "application/dicom+xml")
_OBJECTS: Final = ('multipart/related; type="application/dicom"', "application/zip")
_OBJECT: Final = (*_OBJECTS, "application/dicom")
_STORED: Final = (
    'multipart/related; type="application/dicom"',
    "application/dicom",
    'multipart/related; type="application/dicom+json"',
    _XML,
)
_OCTETS: Final = ('multipart/related; type="application/octet-stream"', "application/octet-stream")
_FRAMES: Final = (
    *_OCTETS,
    'multipart/related; type="image/jpeg"',
    'multipart/related; type="image/jls"',
    'multipart/related; type="image/jp2"',
    'multipart/related; type="image/jpx"',
    'multipart/related; type="image/jphc"',
    'multipart/related; type="image/jxl"',
    'multipart/related; type="image/dicom-rle"',
    'multipart/related; type="application/x-deflate"',
    'multipart/related; type="video/mpeg"',
    'multipart/related; type="video/mp4"',
    'multipart/related; type="video/H265"',
)
_BULK_DATA: Final = (*_FRAMES, "application/pdf", "text/xml", "model/stl", "model/obj")

_SEARCH_PARAMETERS: Final = (
    ACCEPT,
    *PAGING,
    *MATCHING,
    Parameter("totalcount", "Count all matches, in the header X-Total-Count (an extension).", "boolean"),
    Parameter("PatientID", "Match: any attribute by keyword, tag or sequence path may be given so."),
    Parameter("PatientName", "Match: `*` and `?` are wildcards; case and accents do not count."),
    Parameter("StudyDate", "Match: a date, or a range such as `20240101-20240131`."),
    Parameter("ModalitiesInStudy", "Match: studies with a series of this modality."),
)
_DELETE_STATUSES: Final = (
    HTTPStatus.NO_CONTENT,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
)


def _keys(*levels: Level) -> tuple[str, ...]:
    """Return the names of the matching keys of these levels."""
    return tuple(sorted(name_of(path) for level in levels for path in MATCHING_KEYS[level]))


_LEVEL_KEYS: Final = {
    "/studies": _keys(Level.STUDY),
    "/studies/{study}/series": _keys(Level.SERIES),
    "/series": _keys(Level.STUDY, Level.SERIES),
    "/studies/{study}/instances": _keys(Level.SERIES, Level.INSTANCE),
    "/studies/{study}/series/{series}/instances": _keys(Level.INSTANCE),
    "/instances": _keys(Level.STUDY, Level.SERIES, Level.INSTANCE),
}
"""Keys of each search (PS3.18 Table 10.6.1-5)."""

_OBJECT_SYNTAXES: Final = (
    EXPLICIT_VR_LITTLE_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    *LOSSLESS_TARGETS,
    *LOSSY_TARGETS,
)


def _search(path: str, handler: Handler, what: str) -> Resource:
    return Resource(
        "GET",
        path,
        handler,
        transaction=f"Search for {what}",
        source="PS3.18 10.6",
        statuses=SEARCH_STATUSES,
        parameters=_SEARCH_PARAMETERS,
        media_types=_DATA_SETS,
        keys=_LEVEL_KEYS[path],
    )


def _retrieve(path: str, handler: Handler, what: str, source: str, media_types: tuple[str, ...]) -> Resource:
    return Resource(
        "GET",
        path,
        handler,
        transaction=f"Retrieve {what}",
        source=source,
        statuses=RETRIEVE_STATUSES,
        parameters=(ACCEPT,),
        media_types=media_types,
        transfer_syntaxes=_OBJECT_SYNTAXES if _OBJECTS[0] in media_types else (),
    )


def _store(path: str) -> Resource:
    return Resource(
        "POST",
        path,
        store.store_instances,
        transaction="Store Instances",
        source="PS3.18 10.5",
        statuses=STORE_STATUSES,
        media_types=_DATA_SET,
        request_types=_STORED,
    )


def _bulk_data(path: str, what: str) -> Resource:
    return _retrieve(f"{path}/bulkdata", studies.retrieve_bulk_data, f"{what} Bulk Data", "PS3.18 10.4.1.1.5", _FRAMES)


def _pixel_data(path: str, what: str) -> Resource:
    return _retrieve(
        f"{path}/pixeldata", studies.retrieve_pixel_data, f"{what} Pixel Data", "PS3.18 10.4.1.1.6", _FRAMES
    )


def _delete(path: str, what: str) -> Resource:
    return Resource(
        "DELETE",
        path,
        studies.delete_instances,
        transaction=f"Delete {what}",
        source="Extension; no transaction of PS3.18",
        statuses=_DELETE_STATUSES,
        is_served=lambda settings: settings.trash.http_delete,
    )


STUDIES_RESOURCES: Final = (
    _retrieve(f"{_INSTANCE}/frames/{{frames}}", studies.retrieve_frames, "Frames", "PS3.18 10.4.1.1.6", _FRAMES),
    _retrieve(_INSTANCE, studies.retrieve_instances, "Instance", "PS3.18 10.4.1.1.1", _OBJECT),
    _retrieve(f"{_INSTANCE}/metadata", studies.retrieve_metadata, "Instance Metadata", "PS3.18 10.4.1.1.2", _DATA_SET),
    _search("/studies", studies.search_studies, "Studies"),
    _search(f"{_STUDY}/series", studies.search_series, "Study's Series"),
    _search(f"{_SERIES}/instances", studies.search_instances, "Study Series' Instances"),
    _search(f"{_STUDY}/instances", studies.search_instances, "Study's Instances"),
    _search("/series", studies.search_series, "Series"),
    _search("/instances", studies.search_instances, "Instances"),
    _store("/studies"),
    _store(_STUDY),
    _retrieve(f"{_SERIES}/metadata", studies.retrieve_metadata, "Series Metadata", "PS3.18 10.4.1.1.2", _DATA_SETS),
    _retrieve(f"{_STUDY}/metadata", studies.retrieve_metadata, "Study Metadata", "PS3.18 10.4.1.1.2", _DATA_SETS),
    _retrieve(_SERIES, studies.retrieve_instances, "Series", "PS3.18 10.4.1.1.1", _OBJECTS),
    _retrieve(_STUDY, studies.retrieve_instances, "Study", "PS3.18 10.4.1.1.1", _OBJECTS),
    _retrieve(
        f"{_INSTANCE}/bulkdata/{{bulkdata:path}}",
        studies.retrieve_bulk_value,
        "Bulk Data",
        "PS3.18 10.4.1.1.5",
        _BULK_DATA,
    ),
    _bulk_data(_INSTANCE, "Instance"),
    _bulk_data(_SERIES, "Series"),
    _bulk_data(_STUDY, "Study"),
    _pixel_data(_INSTANCE, "Instance"),
    _pixel_data(_SERIES, "Series"),
    _pixel_data(_STUDY, "Study"),
    _delete(_INSTANCE, "Instance"),
    _delete(_SERIES, "Series"),
    _delete(_STUDY, "Study"),
    # User agents put a relative URI behind the URL of what they asked for, of the service, or of the study.
    _retrieve(
        f"/{{base:path}}{_INSTANCE}/bulkdata/{{bulkdata:path}}",
        studies.retrieve_bulk_value,
        "Bulk Data",
        "PS3.18 10.4.1.1.5; relative to another resource",
        _BULK_DATA,
    ),
    *RENDERED_RESOURCES,
)
"""The Studies Service; the most requested resources first, since routing goes from top to bottom."""

STUDIES_SERVICE: Final = Service("Studies Service", lambda http: http.dicomweb_root, STUDIES_RESOURCES)
