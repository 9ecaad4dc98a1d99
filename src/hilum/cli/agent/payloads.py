"""Payloads of the Store transaction: what they consist of, and their bytes without ever holding a file in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import orjson
from pydicom.uid import generate_uid

from hilum.cli.agent.kinds import PlainKind
from hilum.cli.importing.sources import FileCandidate
from hilum.dicom.dictionary import vr_of
from hilum.dicom.searching.attribute_paths import QueryError, parse_path
from hilum.wire.multipart import closing_delimiter, new_boundary, part_header

_CHUNK_BYTES: Final = 256 * 1024
_BULK: Final = "bulk/1"
_PIXEL_DATA, _DOCUMENT, _DOCUMENT_TYPE = "7FE00010", "00420011", "00420012"
_NUMBERS: Final = frozenset({"US", "UL", "SS", "SL", "IS", "DS", "FL", "FD"})


@dataclass(frozen=True)
class Payload:
    """One request: parts in order, each a header and bytes in memory or in a file."""

    media_type: str
    parts: Sequence[tuple[str, str, bytes | FileCandidate]]
    """Content-Type, Content-Location ('' for none) and bytes of each part."""

    @cached_property
    def boundary(self) -> str:
        """Boundary of the payload."""
        return new_boundary()

    @property
    def content_type(self) -> str:
        """Content-Type of the request."""
        return f'multipart/related; type="{self.media_type}"; boundary={self.boundary}'

    @cached_property
    def _headers(self) -> list[bytes]:
        return [
            part_header(self.boundary, content_type=content_type, content_location=location)
            for content_type, location, _ in self.parts
        ]

    @property
    def length(self) -> int:
        """Bytes of the payload, with files as long as they were when they were found."""
        sizes = (body.size_bytes if isinstance(body, FileCandidate) else len(body) for *_, body in self.parts)
        return sum(map(len, self._headers)) + sum(sizes) + 2 * len(self.parts) + len(closing_delimiter(self.boundary))

    def chunks(self) -> Iterator[bytes]:
        """Yield the payload.

        Raises:
            OSError: a file cannot be read any more.
        """
        for header, (*_, body) in zip(self._headers, self.parts, strict=True):
            yield header
            if isinstance(body, FileCandidate):
                with open(body.path, "rb") as file:  # noqa: PTH123 - names that are no UTF-8
                    while chunk := file.read(_CHUNK_BYTES):
                        yield chunk
            else:
                yield body
            yield b"\r\n"
        yield closing_delimiter(self.boundary)


def objects_payload(files: Sequence[FileCandidate]) -> Payload:
    """Return the payload of Part 10 objects."""
    return Payload("application/dicom", [("application/dicom", "", file) for file in files])


def plain_payload(file: FileCandidate, kind: PlainKind, data_set: dict[str, Any]) -> Payload:
    """Return the payload of a plain file: metadata in the DICOM JSON Model, and the file as its bulk data.

    Source: PS3.18 10.5.1.4, IHE RAD-108.
    """
    tag = _DOCUMENT if kind.is_document else _PIXEL_DATA
    metadata = {**data_set, tag: {"vr": "OB" if kind.is_document else "OW", "BulkDataURI": _BULK}}
    if kind.is_document:
        metadata[_DOCUMENT_TYPE] = {"vr": "LO", "Value": [kind.media_type]}
    return Payload(
        "application/dicom+json",
        [
            ("application/dicom+json", "", orjson.dumps([metadata], option=orjson.OPT_SORT_KEYS)),
            (kind.media_type, _BULK, file),
        ],
    )


def plain_data_set(kind: PlainKind, given: dict[str, str], *, number: int) -> dict[str, Any]:
    """Return the data set of an instance that is made of a plain file.

    Args:
        kind: of the file.
        given: values by eight-digit tag; UIDs that are not given are made.
        number: Instance Number.
    """
    values = {
        "00080016": kind.sop_class_uid,
        "00080018": str(generate_uid()),
        "00080060": kind.modality,
        "00200013": str(number),
        "00100010": "",
        "00100020": "",
        **given,
    }
    return {tag: _element(tag, value) for tag, value in values.items()}


def _element(tag: str, value: str) -> dict[str, Any]:
    vr = vr_of(int(tag, 16), "")
    if not value:
        return {"vr": vr}
    if vr == "PN":
        return {
            "vr": vr,
            "Value": [dict(zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="), strict=False))],
        }
    texts = value.split("\\")
    if vr not in _NUMBERS:
        return {"vr": vr, "Value": texts}
    return {"vr": vr, "Value": [float(text) if "." in text or "e" in text.lower() else int(text) for text in texts]}


def tag_of(name: str) -> str:
    """Return the eight-digit tag of a keyword or tag.

    Raises:
        ValueError: it is none, or lies in a sequence.
    """
    try:
        path = parse_path(name)
    except QueryError as error:
        raise ValueError(f"{name} is no attribute.") from error
    if len(path) != 1 or vr_of(int(path[0], 16), "") in ("SQ", "UN"):
        raise ValueError(f"{name} is no attribute that can be given so.")
    return path[0]
