"""Data sets of the model to Explicit VR Little Endian, as pieces: bytes, and bulk values that are copied when written.

Source: PS3.5 7.1, 7.5, 7.8; PS3.10 7.1.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hilum.dicom.building.model import DataSet
from hilum.dicom.building.values import ENCODERS, PADDING, WORD_BYTES, inline_binary
from hilum.dicom.charsets import character_set
from hilum.dicom.json import LONG_VRS
from hilum.dicom.reading.instance import DecodeError

SPECIFIC_CHARACTER_SET: Final = 0x00080005
UNDEFINED: Final = 0xFFFFFFFF
ELEMENT: Final = "Element"
"""Member of an attribute that is encoded already: the `Pieces` of the whole element."""

_MAX_LENGTH: Final = 0xFFFFFFFE
_MAX_SHORT_LENGTH: Final = 0xFFFE
_MAX_TEXT_BYTES: Final = 64 * 1024 * 1024
_TEXT_VRS: Final = frozenset({"LT", "ST", "UC", "UT"})
_UTF8: Final = "utf_8"
_UTF8_TERM: Final = "ISO_IR 192"
_DECIMAL: Final = re.compile(r" *[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)? *")
_INTEGER: Final = re.compile(r" *[+-]?[0-9]+ *")


class Content(Protocol):
    """Bytes that lie elsewhere: those of a bulk value."""

    @property
    def length(self) -> int:
        """Bytes of it."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, in chunks of bounded size."""


Resolve = Callable[[str], Content]
"""The content of a BulkDataURI; raises DecodeError if there is none."""


@dataclass(slots=True)
class Pieces:
    """Bytes and contents in the order in which they are written."""

    pieces: list[bytes | Content] = field(default_factory=list)
    length: int = 0

    def add(self, piece: bytes | Content) -> None:
        """Append a piece."""
        self.pieces.append(piece)
        self.length += len(piece) if isinstance(piece, bytes) else piece.length

    def extend(self, other: Pieces) -> None:
        """Append all of `other`."""
        self.pieces += other.pieces
        self.length += other.length

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from piece.chunks()


@dataclass(slots=True)
class Encoded:
    """A data set in Explicit VR Little Endian."""

    pieces: Pieces
    doubtful: tuple[int, ...]
    """Tags of DS and IS values that are no numbers; they are kept as they are."""


def encode_data_set(data_set: DataSet, resolve: Resolve) -> Encoded:
    """Encode a data set in the character set that it declares; in UTF-8, and so declared, where that lacks a character.

    Args:
        data_set: read by `read_model`; group 0002 is left out.
        resolve: gives bulk values.

    Raises:
        DecodeError: a value does not fit its VR, or a bulk value is missing.

    Source: JSON-43.
    """
    try:
        return _encode(data_set, resolve, _codec_of(data_set, "ascii"), is_declared=True)
    except UnicodeEncodeError:
        changed = {**data_set, SPECIFIC_CHARACTER_SET: {"vr": "CS", "Value": [_UTF8_TERM]}}
    try:
        return _encode(dict(sorted(changed.items())), resolve, _UTF8, is_declared=False)
    except UnicodeEncodeError as error:
        raise DecodeError("A text holds characters that no set has.") from error


def _encode(data_set: DataSet, resolve: Resolve, codec: str, *, is_declared: bool) -> Encoded:
    writer = _Writer(resolve, is_declared=is_declared)
    pieces = writer.data_set({tag: data_set[tag] for tag in data_set if tag >> 16 != 2}, codec, is_top=True)
    return Encoded(pieces, tuple(writer.doubtful))


def _codec_of(data_set: DataSet, inherited: str) -> str:
    terms = data_set.get(SPECIFIC_CHARACTER_SET, {}).get("Value")
    if terms is None:
        return inherited
    declared = "\\".join(str(term or "") for term in terms)
    codec = character_set(declared.encode("latin_1", "replace")).codec
    # The codec of the default repertoire reads everything, but only ASCII may be written in it.
    first = str(terms[0] or "").upper()
    return "ascii" if codec == "latin_1" and "100" not in first else codec


class _Writer:
    def __init__(self, resolve: Resolve, *, is_declared: bool) -> None:
        self.doubtful: list[int] = []
        self._resolve = resolve
        self._is_declared = is_declared

    def data_set(self, data_set: DataSet, codec: str, *, is_top: bool) -> Pieces:
        """Return the elements of a data set or item."""
        if self._is_declared:
            codec = _codec_of(data_set, codec)
        pieces = Pieces()
        for tag, attribute in data_set.items():
            # In UTF-8, the set of the whole data set, no item has another one.
            if is_top or self._is_declared or tag != SPECIFIC_CHARACTER_SET:
                self._element(pieces, tag, attribute, codec)
        return pieces

    def _element(self, pieces: Pieces, tag: int, attribute: dict[str, Any], codec: str) -> None:
        vr = attribute["vr"]
        if ELEMENT in attribute:
            pieces.extend(attribute[ELEMENT])
            return
        try:
            if vr == "SQ":
                value = self._items(attribute.get("Value", ()), codec)
            elif "BulkDataURI" in attribute:
                value = self._bulk(vr, self._resolve(attribute["BulkDataURI"]), codec)
            elif "InlineBinary" in attribute:
                value = _field(vr, inline_binary(attribute["InlineBinary"]))
            else:
                value = self._values(tag, vr, attribute.get("Value", ()), codec)
        except DecodeError as error:
            raise DecodeError(f"{error} (attribute {tag:08X})" if error.tag is None else str(error), tag=tag) from error
        pieces.add(element_header(tag, vr, value.length))
        pieces.extend(value)

    def _values(self, tag: int, vr: str, values: Any, codec: str) -> Pieces:  # noqa: ANN401 - of many types
        if vr not in ENCODERS:
            return Pieces()
        pattern = {"DS": _DECIMAL, "IS": _INTEGER}.get(vr)
        encoded = ENCODERS[vr](values, codec)
        if pattern is not None and not all(
            not value.strip() or pattern.fullmatch(value) for value in encoded.decode("latin_1").split("\\")
        ):
            self.doubtful.append(tag)
        return _field(vr, encoded)

    def _items(self, items: Any, codec: str) -> Pieces:  # noqa: ANN401 - of many types
        pieces = Pieces()
        for item in items:
            encoded = self.data_set(item, codec, is_top=False)
            if encoded.length > _MAX_LENGTH:
                raise DecodeError("An item is longer than its length field can say.")
            pieces.add(struct.pack("<HHI", 0xFFFE, 0xE000, encoded.length))
            pieces.extend(encoded)
        return pieces

    def _bulk(self, vr: str, content: Content, codec: str) -> Pieces:
        if vr in _TEXT_VRS:
            # Bulk data of text travel as UTF-8 (JSON-39).
            if content.length > _MAX_TEXT_BYTES:
                raise DecodeError("A text is longer than this server takes.")
            try:
                text = b"".join(content.chunks()).decode()
            except UnicodeDecodeError as error:
                raise DecodeError("The bulk data of a text are not in UTF-8.") from error
            return _field(vr, text.encode(codec))
        if content.length % WORD_BYTES.get(vr, 1):
            raise DecodeError("Bulk data have a length that does not fit the VR.")
        pieces = Pieces()
        pieces.add(content)
        if content.length % 2:
            pieces.add(PADDING.get(vr, b" "))
        return pieces


def _field(vr: str, value: bytes) -> Pieces:
    if len(value) % WORD_BYTES.get(vr, 1):
        raise DecodeError("A value has a length that does not fit its VR.")
    pieces = Pieces()
    pieces.add(value + PADDING.get(vr, b" ") if len(value) % 2 else value)
    return pieces


def element_header(tag: int, vr: str, length: int) -> bytes:
    """Return the header of an element; a value too long for the VR's 16-bit length goes as UN (PS3.5 6.2.2).

    Raises:
        DecodeError: the value is too long for any.
    """
    if length != UNDEFINED and length > _MAX_LENGTH:
        raise DecodeError("A value is longer than its length field can say.", tag=tag)
    if vr not in LONG_VRS and length > _MAX_SHORT_LENGTH:
        vr = "UN"
    if vr in LONG_VRS:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length)
