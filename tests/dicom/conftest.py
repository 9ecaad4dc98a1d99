"""What the tests of the scan share: scanning, putting the wire form together, and pydicom as the reference."""

from __future__ import annotations

import base64
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pydicom
import pydicom.config
import pytest
import zstandard

from hilum.dicom.charsets import text_as_utf8
from hilum.dicom.instance import ScanLimits, ScannedInstance
from hilum.dicom.part10 import scan
from hilum.dicom.wire_form import WORD_SIZES, reversed_words

Json = dict[str, Any]

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


def reference(data_set: pydicom.Dataset, *, word_sizes: dict[str, int] | None = None) -> Json:
    """Return what pydicom makes of a data set, in the same form; words reversed for the VRs named."""
    text = data_set.to_json_dict(bulk_data_threshold=2**62, suppress_invalid_tags=False)
    return _plain(text, None, word_sizes or {})


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


@pytest.fixture
def pydicom_keeps_vrs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pydicom keep UN as it is stored, as the DICOM JSON Model asks (JSON-44, JSON-51)."""
    monkeypatch.setattr(pydicom.config, "replace_un_with_known_vr", False)


BIG_ENDIAN_WORDS = {vr: size for vr, size in WORD_SIZES.items() if vr in ("OW", "OF", "OL", "OD", "OV")}

SITE = Path(pydicom.__file__).parent.parent
PACKAGED_FILES = sorted(
    path
    for folder in (SITE / "pydicom/data/test_files", SITE / "data_store/data")
    for path in folder.rglob("*")
    if path.is_file()
)
