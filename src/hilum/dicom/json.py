"""Value fields in Explicit VR Little Endian to the DICOM JSON Model, as bytes.

An encoder gets the value field and the character set of its data set, and returns what follows the VR in
the attribute's object: `,"Value":["CT"]}`, or `}` for an empty value. None: no JSON value can hold the field
(NaN, infinity, a length that does not fit the VR), so bulk data must.

Source: PS3.18 F.2.
"""

from __future__ import annotations

import binascii
import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np
from orjson import OPT_SERIALIZE_NUMPY, dumps

from hilum.dicom.charsets import CharacterSet

Encoder = Callable[[bytes, CharacterSet], bytes | None]

EMPTY: Final = b"}"
_VALUE: Final = b',"Value":%b}'
_ONE_VALUE: Final = b',"Value":[%b]}'

_MAX_EXACT: Final = 2**53 - 1
"""Largest integer that every JSON reader holds exactly (JSON-21)."""

_SURE_DIGITS: Final = 15
"""Decimal numbers of so many characters come back from a double unchanged."""

_DECIMALS: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:\\-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)*")
"""Values that are JSON numbers as they stand, in one field."""

_DECIMAL: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def _encode_values(text: str) -> bytes:
    """Encode text whose values are separated by backslashes; an empty one is null (JSON-33)."""
    values = [value.strip(" \0") or None for value in text.split("\\")]
    return _VALUE % dumps(values)


def encode_code(raw: bytes, _charset: CharacterSet) -> bytes:
    r"""Encode AE, AS, CS, DA, DT, TM or UI: default repertoire, padding on both sides without meaning.

    >>> encode_code(b"CT\\PET ", CharacterSet("latin_1", extensible=True))
    b',"Value":["CT","PET"]}'
    """
    text = raw.decode("latin_1").strip(" \0")
    if not text:
        return EMPTY
    if "\\" in text:
        return _encode_values(text)
    return _ONE_VALUE % dumps(text)


def encode_short_text(raw: bytes, charset: CharacterSet) -> bytes:
    """Encode LO or SH: padding on both sides without meaning (PS3.5 6.2)."""
    if not raw:
        return EMPTY
    # Every set has ASCII as long as no escape sequence changes that.
    text = raw.decode("ascii") if raw.isascii() and b"\x1b" not in raw else charset.values(raw)
    text = text.strip(" \0")
    if not text:
        return EMPTY
    if "\\" in text:
        return _encode_values(text)
    return _ONE_VALUE % dumps(text)


def encode_unlimited_characters(raw: bytes, charset: CharacterSet) -> bytes:
    """Encode UC: leading spaces are significant."""
    text = charset.values(raw).rstrip(" \0")
    if not text:
        return EMPTY
    return _VALUE % dumps([value.rstrip(" \0") or None for value in text.split("\\")])


def encode_long_text(raw: bytes, charset: CharacterSet) -> bytes:
    """Encode LT, ST or UT: one value, in which the backslash is an ordinary character (JSON-26)."""
    text = charset.text(raw).rstrip(" \0")
    return _ONE_VALUE % dumps(text) if text else EMPTY


def encode_uri(raw: bytes, _charset: CharacterSet) -> bytes:
    """Encode UR: one value of the default repertoire."""
    text = raw.decode("latin_1").rstrip(" \0")
    return _ONE_VALUE % dumps(text) if text else EMPTY


def encode_person_name(raw: bytes, charset: CharacterSet) -> bytes:
    """Encode PN: component groups that are not empty, names that are empty as null (JSON-29, JSON-35)."""
    text = charset.names(raw).rstrip(" \0")
    if not text:
        return EMPTY
    if "\\" not in text and "=" not in text:
        return b',"Value":[{"Alphabetic":%b}]}' % dumps(text)
    return _VALUE % dumps([_name_groups(name) for name in text.split("\\")])


def _name_groups(name: str) -> dict[str, str] | None:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("=", 2), strict=False)
    return {key: text for key, group in groups if (text := group.rstrip(" \0"))} or None


def encode_decimal_string(raw: bytes, _charset: CharacterSet) -> bytes:
    r"""Encode DS: numbers where a double keeps the value exactly, else the text as it stands (JSON-20).

    >>> encode_decimal_string(b"0.70\\1e3\\1,5 ", CharacterSet("latin_1", extensible=True))
    b',"Value":[0.70,1000.0,"1,5"]}'
    """
    raw = raw.strip(b" \0")
    if not raw:
        return EMPTY
    if len(raw) <= _SURE_DIGITS and _DECIMALS.fullmatch(raw):
        return _ONE_VALUE % raw.replace(b"\\", b",")
    return _ONE_VALUE % b",".join([_decimal(value.strip(b" \0")) for value in raw.split(b"\\")])


def _decimal(raw: bytes) -> bytes:
    if not raw:
        return b"null"
    if _DECIMALS.fullmatch(raw):
        return raw if len(raw) <= _SURE_DIGITS or _is_exact(raw.decode()) else b'"%b"' % raw
    text = raw.decode("latin_1")
    match = _DECIMAL.fullmatch(text)
    if match and (match[2] or match[3]) and len(text) <= 32 and _is_exact(text):
        return dumps(float(text))
    return dumps(text)


def _is_exact(text: str) -> bool:
    """Return whether the shortest text of the nearest double is the same number."""
    number = float(text)
    return math.isfinite(number) and Decimal(repr(number)) == Decimal(text)


def encode_integer_string(raw: bytes, _charset: CharacterSet) -> bytes:
    """Encode IS: numbers where the text is an integer that JSON readers hold, else the text (JSON-20)."""
    raw = raw.strip(b" \0")
    if not raw:
        return EMPTY
    return _ONE_VALUE % b",".join([_integer(value.strip(b" \0")) for value in raw.split(b"\\")])


def _integer(raw: bytes) -> bytes:
    if not raw:
        return b"null"
    text = raw.decode("latin_1")
    if len(text) <= 20 and _INTEGER.fullmatch(text) and abs(number := int(text)) <= _MAX_EXACT:
        return b"%d" % number
    return dumps(text)


def encode_attribute_tag(raw: bytes, _charset: CharacterSet) -> bytes:
    """Encode AT; bytes after the last whole tag are kept as hex digits, since bulk data is not allowed for AT."""
    if not raw:
        return EMPTY
    whole = len(raw) // 4 * 4
    tags = [f"{group:04X}{element:04X}" for group, element in struct.iter_unpack("<HH", raw[:whole])]
    if whole < len(raw):
        tags.append(raw[whole:].hex().upper())
    return _VALUE % dumps(tags)


def encode_binary(raw: bytes, _charset: CharacterSet) -> bytes:
    """Encode OB, OD, OF, OL, OV, OW or UN as inline base64 of the whole field (JSON-36)."""
    return b',"InlineBinary":"%b"}' % binascii.b2a_base64(raw, newline=False) if raw else EMPTY


def _integers(code: str) -> Encoder:
    """Return the encoder of integers of the given struct code, at most 32 bits."""
    one = struct.Struct("<" + code)
    size, unpack = one.size, one.unpack
    dtype = np.dtype(f"<{'i' if code.islower() else 'u'}{size}")

    def encode(raw: bytes, _charset: CharacterSet) -> bytes | None:
        if len(raw) == size:
            return b',"Value":[%d]}' % unpack(raw)[0]
        if len(raw) % size:
            return None
        return _VALUE % dumps(np.frombuffer(raw, dtype), option=OPT_SERIALIZE_NUMPY) if raw else EMPTY

    return encode


def _very_long_integers(code: str) -> Encoder:
    """Return the encoder of 64-bit integers: numbers up to 2**53 - 1 in magnitude, above it strings (JSON-21)."""
    size = 8

    def encode(raw: bytes, _charset: CharacterSet) -> bytes | None:
        if not raw:
            return EMPTY
        if len(raw) % size:
            return None
        numbers = struct.unpack(f"<{len(raw) // size}{code}", raw)
        return _VALUE % dumps([number if abs(number) <= _MAX_EXACT else str(number) for number in numbers])

    return encode


def _encode_float(raw: bytes, _charset: CharacterSet) -> bytes | None:
    """Encode FL: the shortest text that reads back to the same 32 bits (JSON-22)."""
    if not raw:
        return EMPTY
    if len(raw) % 4:
        return None
    numbers = np.frombuffer(raw, np.dtype("<f4"))
    return _VALUE % dumps(numbers, option=OPT_SERIALIZE_NUMPY) if np.isfinite(numbers).all() else None


def _encode_double(raw: bytes, _charset: CharacterSet) -> bytes | None:
    """Encode FD: the shortest text that reads back to the same 64 bits (JSON-22)."""
    if not raw:
        return EMPTY
    if len(raw) % 8:
        return None
    numbers = struct.unpack(f"<{len(raw) // 8}d", raw)
    return _VALUE % dumps(numbers) if all(map(math.isfinite, numbers)) else None


ENCODERS: Final[Mapping[str, Encoder]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI"), encode_code),
    **dict.fromkeys(("LO", "SH"), encode_short_text),
    **dict.fromkeys(("LT", "ST", "UT"), encode_long_text),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UN"), encode_binary),
    "UC": encode_unlimited_characters,
    "UR": encode_uri,
    "PN": encode_person_name,
    "DS": encode_decimal_string,
    "IS": encode_integer_string,
    "AT": encode_attribute_tag,
    "US": _integers("H"),
    "SS": _integers("h"),
    "UL": _integers("I"),
    "SL": _integers("i"),
    "UV": _very_long_integers("Q"),
    "SV": _very_long_integers("q"),
    "FL": _encode_float,
    "FD": _encode_double,
}
"""Encoders by VR; SQ has none."""

QUICK_BYTES: Final = 1024
"""Longest value field for `QUICK_ENCODERS`."""

QUICK_ENCODERS: Final[Mapping[str, Encoder]] = {
    **ENCODERS,
    **{vr: lru_cache(maxsize=4096)(ENCODERS[vr]) for vr in ("DS", "FL", "IS")},
}
"""The same encoders for short fields; the instances of a series repeat most of their numbers, so texts are kept."""

LONG_VRS: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
"""VRs whose length field has 32 bits in Explicit VR (PS3.5 Table 7.1-1)."""

BINARY_VRS: Final = frozenset(
    ("FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "UN", "US", "UV")
)
"""VRs that become bulk data above the threshold (JSON-32)."""

TEXT_BULK_VRS: Final = frozenset(("DS", "IS", "LT", "ST", "UC", "UT"))
"""VRs of text that become bulk data above the larger threshold (JSON-32)."""


def bulk_reference(path: str) -> bytes:
    """Return what follows the VR of an attribute whose value is bulk data."""
    return b',"BulkDataURI":"/bulkdata/%b"}' % path.encode()
