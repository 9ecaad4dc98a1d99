"""What tests of the scan share: scanning, putting the wire form together, and pydicom as the reference."""

from __future__ import annotations

import base64
import io
import struct
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pydicom
import pydicom.config
import zstandard

from hilum.dicom.charsets import text_as_utf8
from hilum.dicom.json import LONG_VRS
from hilum.dicom.reading.instance import ScanLimits, ScannedInstance
from hilum.dicom.reading.part10 import scan
from hilum.dicom.reading.wire_form import WORD_SIZES, reversed_words
from samples import packaged_folders

Json = dict[str, Any]

BIG_ENDIAN_WORDS = {vr: size for vr, size in WORD_SIZES.items() if vr in ("OW", "OF", "OL", "OD", "OV")}
"""Words that pydicom leaves in the order of the file."""

_NUMBER_CODES = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}


def open_spool() -> BinaryIO:
    """Return a temporary file."""
    return tempfile.TemporaryFile()


@dataclass(frozen=True)
class Scanned:
    """A scanned object with its metadata and wire form read out."""

    instance: ScannedInstance
    text: bytes
    wire: bytes

    @property
    def json(self) -> Json:
        """Metadata as objects."""
        value: Json = orjson.loads(self.text)
        return value

    def bulk(self, path: str) -> bytes:
        """Return the bytes of a bulk value."""
        value = next(value for value in self.instance.bulk if value.path == path)
        return self.wire[value.offset : value.offset + value.length]


def wire_bytes(blob: bytes, instance: ScannedInstance) -> bytes:
    """Put the wire form together, as retrieval does."""
    form, sidecar = instance.wire_form, instance.wire_sidecar
    if form is None or sidecar is None:
        return blob
    side = sidecar.read()
    assert len(side) == form.prefix_length + form.suffix_length
    middle = blob[form.middle_offset : form.middle_offset + form.middle_length]
    whole = side[: form.prefix_length] + reversed_words(middle, form.word_size) + side[form.prefix_length :]
    assert len(whole) == form.length
    return whole


def read(blob: bytes, limits: ScanLimits | None = None) -> Scanned:
    """Scan a blob and read out what comes of it."""
    instance = scan(blob, limits=limits or ScanLimits(), open_spool=open_spool)
    body = instance.metadata if isinstance(instance.metadata, bytes) else instance.metadata.read()
    text = zstandard.ZstdDecompressor().decompress(body)
    assert len(text) == instance.metadata_size
    wire = wire_bytes(blob, instance)
    for spool in (instance.metadata, instance.wire_sidecar):
        if spool is not None and not isinstance(spool, bytes):
            spool.close()
    return Scanned(instance, text, wire)


def plain(scanned: Scanned) -> Json:
    """Return the metadata with bulk values put in and texts in a form that compares."""
    charset = "\\".join(value or "" for value in scanned.json.get("00080005", {}).get("Value", ()))
    return _plain(scanned.json, lambda vr, uri: _inline(vr, scanned.bulk(uri.removeprefix("/bulkdata/")), charset))


def _inline(vr: str, raw: bytes, charset: str) -> Json:
    if code := _NUMBER_CODES.get(vr):
        size = struct.calcsize(code)
        return {"vr": vr, "Value": list(struct.unpack(f"<{len(raw) // size}{code}", raw))}
    if vr in ("DS", "IS"):
        return {"vr": vr, "Value": raw.decode().rstrip(" \0").split("\\")}
    if vr in ("LT", "ST", "UC", "UT"):
        return {"vr": vr, "Value": [text_as_utf8(raw, charset).decode()]}
    return {"vr": vr, "InlineBinary": base64.b64encode(raw).decode()}


def reference(blob: bytes) -> Json:
    """Return what pydicom makes of an object, in the same form."""
    kept = pydicom.config.replace_un_with_known_vr
    # The DICOM JSON Model keeps UN as it is stored (JSON-44, JSON-51).
    pydicom.config.replace_un_with_known_vr = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data_set = pydicom.dcmread(io.BytesIO(blob), force=True)
            text = data_set.to_json_dict(bulk_data_threshold=2**62)
    finally:
        pydicom.config.replace_un_with_known_vr = kept
    if data_set.original_encoding != (False, False):
        return _plain(text, None)
    plain_text = _plain(text, None, BIG_ENDIAN_WORDS)
    if data_set.get("BitsAllocated") == 32 and "PixelData" in data_set:
        plain_text["7FE00010"] = (data_set["PixelData"].VR, reversed_words(data_set.PixelData, 4))
    return plain_text


def _plain(
    data_set: Json, resolve: Callable[[str, str], Json] | None, word_sizes: dict[str, int] | None = None
) -> Json:
    return {
        tag: _plain_attribute(attribute, resolve, word_sizes or {})
        for tag, attribute in data_set.items()
        if tag[4:] != "0000" and tag != "FFFCFFFC" and not tag.startswith("0002")
    }


def _plain_attribute(
    attribute: Json, resolve: Callable[[str, str], Json] | None, word_sizes: dict[str, int]
) -> tuple[str, object]:
    if "BulkDataURI" in attribute and resolve is not None:
        attribute = resolve(attribute["vr"], attribute["BulkDataURI"])
    vr = attribute["vr"]
    if inline := attribute.get("InlineBinary"):
        return vr, reversed_words(base64.b64decode(inline), word_sizes.get(vr, 1))
    values = attribute.get("Value", [])
    if vr == "SQ":
        return vr, [_plain(item, resolve, word_sizes) for item in values]
    return vr, [_plain_value(vr, value) for value in values] if any(value not in (None, "") for value in values) else []


def _plain_value(vr: str, value: Any) -> object:  # noqa: PLR0911 - one line a kind of value
    if isinstance(value, dict):
        return {key: text.strip() for key, text in value.items() if text.strip()} or None
    if vr in ("DS", "IS") and value not in (None, ""):
        try:
            return float(value)
        except ValueError:
            return str(value).strip()
    if vr in ("SV", "UV"):
        return int(value)
    if vr == "FL" and value is not None:
        # pydicom gives the 64-bit number that is nearest; JSON-22 asks for the shortest text.
        return struct.pack("<f", value)
    if isinstance(value, float):
        return repr(value)
    return value.strip(" \0") or None if isinstance(value, str) else value


def element(tag: int, vr: str, value: bytes, order: str = "<") -> bytes:
    """Return an element in Explicit VR."""
    if vr in LONG_VRS:
        return struct.pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, len(value)) + value
    return struct.pack(order + "HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def implicit_element(tag: int, value: bytes) -> bytes:
    """Return an element in Implicit VR Little Endian."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def sequence(tag: int, items: Iterable[bytes], vr: str = "SQ") -> bytes:
    """Return a sequence of undefined length, with items of undefined length, in Explicit VR Little Endian."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, 0xFFFFFFFF) + undefined_items(items)


def implicit_sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """Return the same in Implicit VR Little Endian."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, 0xFFFFFFFF) + undefined_items(items)


def undefined_items(items: Iterable[bytes]) -> bytes:
    """Return what follows the header of a sequence of undefined length."""
    body = b"".join(ITEM_START + item + ITEM_END for item in items)
    return body + b"\xfe\xff\xdd\xe0\0\0\0\0"


def defined_item(item: bytes) -> bytes:
    """Return an item of defined length."""
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(item)) + item


ITEM_START = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"

UIDS = {0x00080016: "1.2.840.10008.5.1.4.1.1.7", 0x00080018: "1.2.3.1", 0x0020000D: "1.2.3.2", 0x0020000E: "1.2.3.3"}


def padded(text: str) -> bytes:
    """Return a UID of even length."""
    return text.encode() + b"\0" * (len(text) % 2)


def head(transfer_syntax_uid: str) -> bytes:
    """Return preamble, prefix and File Meta Information."""
    meta = element(0x00020010, "UI", padded(transfer_syntax_uid))
    return b"\0" * 128 + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta


def explicit_data_set(*elements: bytes) -> bytes:
    """Return a data set of the identifying elements and the given ones, in the order of tags."""
    uids = [element(tag, "UI", padded(uid)) for tag, uid in UIDS.items()]
    return b"".join(sorted((*uids, *elements), key=lambda raw: struct.unpack_from("<HH", raw)))


def explicit_object(*elements: bytes, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    """Return an object with such a data set."""
    return head(syntax) + explicit_data_set(*elements)


def implicit_object(*elements: bytes) -> bytes:
    """Return the same in Implicit VR Little Endian."""
    uids = [implicit_element(tag, padded(uid)) for tag, uid in UIDS.items()]
    data_set = sorted((*uids, *elements), key=lambda raw: struct.unpack_from("<HH", raw))
    return head("1.2.840.10008.1.2") + b"".join(data_set)


def big_endian_object(*elements: bytes) -> bytes:
    """Return the same in Explicit VR Big Endian."""
    uids = [element(tag, "UI", padded(uid), ">") for tag, uid in UIDS.items()]
    data_set = sorted((*uids, *elements), key=lambda raw: struct.unpack_from(">HH", raw))
    return head("1.2.840.10008.1.2.2") + b"".join(data_set)


def packaged_files() -> list[Path]:
    """Return every file of the packaged folders, whether it can be read or not."""
    return sorted(path for folder in packaged_folders() for path in folder.rglob("*") if path.is_file())
