"""Encapsulated documents: the media type that one says of itself, and its length without padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.metadata import instance_metadata
from hilum.dicom.reading.instance import BulkValue
from hilum.store.rows.records import StoredInstance
from hilum.wire.media_types import parse_media_type

_ENCAPSULATED_DOCUMENT: Final = "00420011"
_MIME_TYPE: Final = "00420012"
_DOCUMENT_LENGTH: Final = "00420015"
_MOST_METADATA_BYTES: Final = 4 * 1024 * 1024

MEDIA_TYPES: Final = frozenset(
    {
        *("application/pdf", "text/xml", "application/xml", "text/plain"),
        *("model/stl", "application/sla", "model/obj", "model/mtl"),
    }
)
"""Documents that are given out as what they say to be (PS3.3 A.45, A.85, A.104). Any other, above all one that a
browser would run, comes as octets."""


@dataclass(frozen=True, slots=True)
class Document:
    """An encapsulated document in its own media type."""

    media_type: str
    length: int
    """Bytes, without the one that pads the value field."""


def document_of(instance: StoredInstance, value: BulkValue, *, archive: Archive) -> Document | None:
    """Return what the instance says of its Encapsulated Document; None if `value` is none, or of no known media type.

    Source: PS3.3 C.24.2, PS3.18 10.4.3.3.5 (WADO-49).
    """
    if value.path != _ENCAPSULATED_DOCUMENT or value.length == 0:
        return None
    if archive.index.metadata(instance.instance_id).size > _MOST_METADATA_BYTES:
        return None
    members = orjson.loads(b"".join(instance_metadata(instance, "", archive=archive)))
    try:
        media_type = parse_media_type(str(_value(members.get(_MIME_TYPE)))).essence
    except ValueError:
        return None
    if media_type not in MEDIA_TYPES:
        return None
    length = _value(members.get(_DOCUMENT_LENGTH))
    return Document(media_type, length if isinstance(length, int) and length == value.length - 1 else value.length)


def _value(element: object) -> object:
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and len(values) == 1 else None
