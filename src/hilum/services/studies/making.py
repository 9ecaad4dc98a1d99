"""Store instances that come as metadata and bulk data: match the parts, make the objects, ingest each by itself.

Source: PS3.18 10.5.1.4, 10.5.2 (STOW-11 to STOW-18).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urljoin

from hilum.archive.archive import Archive
from hilum.archive.ingest import FailureReason, Ingested, ingest
from hilum.dicom.building.completing import Identity, identify, new_uid
from hilum.dicom.building.contents import FileRange
from hilum.dicom.building.images import Bounds, OpenSpool
from hilum.dicom.building.instance import OCTETS, BulkPart, Made, Workshop, make_instance
from hilum.dicom.building.model import DataSet, parse_objects, read_model
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.xml_reading import xml_to_json
from hilum.errors import InvalidRequest, OutOfResources, PayloadTooLarge
from hilum.store.blobs.space import full_is_out_of_resources
from hilum.wire.media_types import MediaType, parse_media_type
from hilum.wire.selection import ALIASES

JSON: Final = "application/dicom+json"
XML: Final = "application/dicom+xml"

_JSON_TYPES: Final = frozenset({JSON, "application/json"})
_STUDY, _SERIES, _SOP_CLASS, _SOP = 0x0020000D, 0x0020000E, 0x00080016, 0x00080018
_PIXEL_DATA, _DOCUMENT = 0x7FE00010, 0x00420011


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part of a payload, in a file."""

    headers: Mapping[str, str]
    """By name in lower case."""
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """A Store request of metadata and bulk data."""

    form: str
    """Media type of the metadata: `JSON` or `XML`."""
    parts: Sequence[KeptPart]
    url: str
    """Of the request; locations may be relative to it."""
    study_instance_uid: str | None
    """The only study whose instances are welcome; None: any."""


def store_metadata(request: StoreRequest, *, archive: Archive) -> list[Ingested]:
    """Store the instances of a request, each by itself; return their results in the order of the metadata.

    Raises:
        InvalidRequest: there are no metadata that can be read (STOW-44).
        PayloadTooLarge: they are longer than `store.metadata_bytes`, or describe more instances than a request may
            have parts.
    """
    metadata, bulk = _sorted_parts(request)
    limit = archive.settings.store.metadata_bytes
    if sum(part.size for part in metadata) > limit:
        raise PayloadTooLarge(f"The metadata of one request may have {limit} bytes.")
    if request.form == JSON:
        read = _read_json(metadata, archive.settings.http.max_parts)
    else:
        read = _read_xml(metadata, archive.settings.store.nesting)
    data_sets = [one for one in read if not isinstance(one, Ingested)]
    locations = _Locations(bulk, request.url)
    referred = {uri for data_set in data_sets for uri in _references(data_set)}
    strays = locations.strays(referred)
    loose = strays[0] if len(data_sets) == 1 and len(strays) == 1 and _lacks_content(data_sets[0]) else None
    identity = Identity(request.study_instance_uid or new_uid(), new_uid())
    making = _Making(request, locations, loose, identity, archive)
    results = [one if isinstance(one, Ingested) else _store(one, making) for one in read]
    if loose is None:
        text = "No BulkDataURI of the metadata refers to this part."
        results += [Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=text) for _ in strays]
    return results


def _sorted_parts(request: StoreRequest) -> tuple[list[KeptPart], list[tuple[KeptPart, MediaType]]]:
    """Return the metadata and the bulk parts.

    In JSON the first part is all metadata. In XML all parts of that media type are, and the first if it has none.
    """
    metadata: list[KeptPart] = []
    bulk: list[tuple[KeptPart, MediaType]] = []
    for index, part in enumerate(request.parts):
        media_type = _media_type(part, request.form if index == 0 else OCTETS)
        is_metadata = media_type.essence == XML if request.form == XML else index == 0
        if not is_metadata:
            bulk.append((part, media_type))
        elif request.form == JSON and media_type.essence not in _JSON_TYPES:
            break
        else:
            metadata.append(part)
    if not metadata:
        raise InvalidRequest(f"The first part of the payload is not {request.form}.")
    return metadata, bulk


def _media_type(part: KeptPart, missing: str) -> MediaType:
    try:
        return parse_media_type(part.headers.get("content-type", missing))
    except ValueError as error:
        raise InvalidRequest("A part of the payload has a Content-Type that is none.") from error


def _read_json(metadata: Sequence[KeptPart], most: int) -> list[DataSet | Ingested]:
    """Return the data sets of the array, at most so many; one that makes no sense is a failure of its own."""
    try:
        objects = parse_objects(metadata[0].path.read_bytes())
    except DecodeError as error:
        raise InvalidRequest(str(error)) from error
    if not objects:
        raise InvalidRequest("The metadata are an empty array.")
    if len(objects) > most:
        raise PayloadTooLarge(f"The metadata of one request may describe {most} instances.")
    return [_model(one) for one in objects]


def _read_xml(metadata: Sequence[KeptPart], nesting: int) -> list[DataSet | Ingested]:
    read: list[DataSet | Ingested] = []
    for part in metadata:
        try:
            read.append(_model(xml_to_json(part.path.read_bytes(), max_depth=nesting)))
        except DecodeError as error:
            read.append(Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=str(error)))
    if all(isinstance(one, Ingested) and not one.sop_instance_uid for one in read):
        raise InvalidRequest(next(one.text for one in read if isinstance(one, Ingested)))
    return read


def _model(members: Mapping[str, Any]) -> DataSet | Ingested:
    try:
        return read_model(members)
    except DecodeError as error:
        return Ingested(
            _uid_of(members, "00080016"),
            _uid_of(members, "00080018"),
            failure=FailureReason.CANNOT_UNDERSTAND,
            text=str(error),
        )


def _uid_of(members: Mapping[str, Any], tag: str) -> str:
    attribute = members.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""


def _references(data_set: DataSet) -> Iterator[str]:
    for attribute in data_set.values():
        if "BulkDataURI" in attribute:
            yield attribute["BulkDataURI"]
        elif attribute["vr"] == "SQ":
            for item in attribute.get("Value", ()):
                yield from _references(item)


def _lacks_content(data_set: DataSet) -> bool:
    return not any(data_set.get(tag, {}).keys() - {"vr"} for tag in (_PIXEL_DATA, _DOCUMENT))


class _Locations:
    """Bulk parts by their Content-Location, as given and resolved against the request's URL (STOW-13)."""

    def __init__(self, bulk: Sequence[tuple[KeptPart, MediaType]], url: str) -> None:
        self._url = url
        self._given: dict[str, list[BulkPart]] = {}
        self._resolved: dict[str, list[BulkPart]] = {}
        self._without: list[BulkPart] = []
        for part, media_type in bulk:
            location = part.headers.get("content-location", "").strip()
            made = _bulk_part(part, media_type)
            if location:
                self._given.setdefault(location, []).append(made)
                self._resolved.setdefault(self._absolute(location), []).append(made)
            else:
                self._without.append(made)

    def find(self, uri: str) -> Sequence[BulkPart]:
        """Return the parts of a location.

        Raises:
            DecodeError: there is none; foreign URLs are not fetched (STOW-17).
        """
        found = self._given.get(uri) or self._resolved.get(self._absolute(uri))
        if not found:
            raise DecodeError("A BulkDataURI has no part of that location.")
        return found

    def strays(self, referred: set[str]) -> list[BulkPart]:
        """Return the parts that nothing refers to."""
        absolute = {self._absolute(uri) for uri in referred}
        unnamed = [part for location, parts in self._resolved.items() if location not in absolute for part in parts]
        return [*unnamed, *self._without]

    def _absolute(self, location: str) -> str:
        try:
            return urljoin(self._url, location)
        except ValueError:
            # Brackets that hold no address: it stands for itself.
            return location


def _bulk_part(part: KeptPart, media_type: MediaType) -> BulkPart:
    essence = ALIASES.get(media_type.essence, media_type.essence)
    # The one media type whose registered name has an upper-case letter.
    essence = "video/H265" if essence == "video/h265" else essence
    syntax = media_type.parameters.get("transfer-syntax", "")
    return BulkPart(essence, syntax, FileRange(part.path, 0, part.size))


@dataclass(frozen=True, slots=True)
class _Making:
    """What all instances of one request are made with."""

    request: StoreRequest
    locations: _Locations
    loose: BulkPart | None
    identity: Identity
    archive: Archive


def _store(data_set: DataSet, making: _Making) -> Ingested:
    """Make one instance and ingest it."""
    uids = [_first(data_set, tag) for tag in (_SOP_CLASS, _SOP, _STUDY, _SERIES)]
    archive, limit = making.archive, making.archive.settings.store.image_bytes
    with contextlib.ExitStack() as stack:
        open_spool = _one_spool(archive, stack)
        workshop = Workshop(making.locations.find, Bounds(limit, limit), open_spool, making.identity)
        try:
            if making.request.study_instance_uid and not uids[2]:
                identify(data_set, making.identity)
            with archive.codecs:
                made = make_instance(data_set, making.loose, workshop)
            return _ingest(made, making.request, archive)
        except DecodeError as error:
            reason, text = FailureReason.CANNOT_UNDERSTAND, str(error)
        except OutOfResources as error:
            reason, text = FailureReason.OUT_OF_RESOURCES, str(error)
    return Ingested(uids[0], uids[1], uids[2], uids[3], failure=reason, text=text)


def _one_spool(archive: Archive, stack: contextlib.ExitStack) -> OpenSpool:
    opened: list[BinaryIO] = []

    def open_spool() -> BinaryIO:
        if not opened:
            opened.append(stack.enter_context(archive.blobs.open_spool()))
        return opened[0]

    return open_spool


def _first(data_set: DataSet, tag: int) -> str:
    values = data_set.get(tag, {}).get("Value") or [""]
    return str(values[0] or "").strip()


def _ingest(made: Made, request: StoreRequest, archive: Archive) -> Ingested:
    staged = archive.blobs.stage()
    try:
        with full_is_out_of_resources():
            for chunk in _batches(made.chunks()):
                staged.write(chunk)
    except BaseException:
        staged.discard()
        raise
    result = ingest(staged, archive=archive, study_instance_uid=request.study_instance_uid)
    if result.failure is not None:
        return result
    return replace(
        result,
        changes=tuple((change.value, text) for change, text in made.changes),
        original_attributes=tuple(_json_model(item) for item in made.original_attributes),
    )


def _batches(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join small chunks: an instance of many attributes is few writes."""
    taken: list[bytes] = []
    size = 0
    for chunk in chunks:
        taken.append(chunk)
        size += len(chunk)
        if size >= 1024 * 1024:
            yield b"".join(taken)
            taken, size = [], 0
    yield b"".join(taken)


def _json_model(data_set: DataSet) -> dict[str, Any]:
    """Return a data set with its tags as names."""
    return {f"{tag:08X}": _json_attribute(attribute) for tag, attribute in data_set.items()}


def _json_attribute(attribute: Mapping[str, Any]) -> dict[str, Any]:
    if attribute["vr"] != "SQ":
        return dict(attribute)
    return {"vr": "SQ", "Value": [_json_model(item) for item in attribute.get("Value", ())]}
