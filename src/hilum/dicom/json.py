"""Values in the DICOM JSON Model, written as bytes (PS3.18 Annex F).

Each function takes the bytes of a value field (little endian) and returns what follows the `vr` member, up to and
including the closing brace: `,"Value":[...]}`, or `}` for an empty value (JSON-31). None: the bytes do not fit the VR.
"""

from __future__ import annotations

import re
import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from math import isfinite
from typing import Final

import numpy as np
import orjson

from hilum.dicom.charsets import CharacterSet

EMPTY: Final = b"}"

# Printable ASCII that stands in JSON and in DICOM as it is: no quote, no backslash, no control characters.
_plain: Final = re.compile(rb"[ !#-\[\]-~]*").fullmatch
_number: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
_loose_number: Final = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch
_integer: Final = re.compile(rb"[+-]?[0-9]+").fullmatch
_EXACT_DIGITS: Final = 15
_MAX_SAFE_INTEGER: Final = 2**53 - 1


def _values(items: list[str | None]) -> bytes:
    if len(items) == 1 and items[0] is None:
        return EMPTY
    return b',"Value":%b}' % orjson.dumps(items)


def _strings(raw: bytes, charset: CharacterSet) -> bytes | None:
    """Write a text VR that may have several values."""
    raw = raw.rstrip(b" \0")
    if not raw:
        return EMPTY
    if _plain(raw):
        return b',"Value":["%b"]}' % raw
    return _values([item.rstrip(" \0") or None for item in _sound(charset.decode(raw)).split("\\")])


def _text(raw: bytes, charset: CharacterSet) -> bytes | None:
    """Write a text VR with one value: a backslash is a character like others (JSON-26)."""
    raw = raw.rstrip(b" \0")
    if not raw:
        return EMPTY
    if _plain(raw):
        return b',"Value":["%b"]}' % raw
    return _values([_sound(charset.decode(raw))])


def _codes(raw: bytes, _charset: CharacterSet) -> bytes | None:
    """Write a VR of the default repertoire that may have several values."""
    raw = raw.rstrip(b" \0")
    if not raw:
        return EMPTY
    if _plain(raw):
        return b',"Value":["%b"]}' % raw
    return _values([item.strip(" \0") or None for item in raw.decode("ascii", "replace").split("\\")])


def _names(raw: bytes, charset: CharacterSet) -> bytes | None:
    """Write person names with their component groups (JSON-29)."""
    raw = raw.rstrip(b" \0")
    if not raw:
        return EMPTY
    if _plain(raw) and b"=" not in raw:
        return b',"Value":[{"Alphabetic":"%b"}]}' % raw
    names = [_name(item) for item in _sound(charset.decode_name(raw)).split("\\")]
    if len(names) == 1 and names[0] is None:
        return EMPTY
    return b',"Value":%b}' % orjson.dumps(names)


def _name(text: str) -> dict[str, str] | None:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("=", 2), strict=False)
    return {group: value.rstrip(" ") for group, value in groups if value.strip(" ")} or None


def _decimals(raw: bytes, _charset: CharacterSet) -> bytes | None:
    """Write DS: a number where its text survives as one, else the text (JSON-20)."""
    raw = raw.strip(b" \0")
    if not raw:
        return EMPTY
    return b',"Value":[%b]}' % b",".join([_decimal(item.strip(b" \0")) for item in raw.split(b"\\")])


def _decimal(text: bytes) -> bytes:
    if _number(text) and len(text) <= _EXACT_DIGITS and b"e" not in text and b"E" not in text:
        return text
    if not text:
        return b"null"
    if _loose_number(text):
        number = float(text)
        try:
            if isfinite(number) and Decimal(repr(number)) == Decimal(text.decode()):
                return text if _number(text) else orjson.dumps(number)
        except InvalidOperation:
            pass
    return orjson.dumps(_sound(text.decode("ascii", "replace")))


def _integers(raw: bytes, _charset: CharacterSet) -> bytes | None:
    """Write IS: a number where its text is one (JSON-20)."""
    raw = raw.strip(b" \0")
    if not raw:
        return EMPTY
    return b',"Value":[%b]}' % b",".join([_integer_text(item.strip(b" \0")) for item in raw.split(b"\\")])


def _integer_text(text: bytes) -> bytes:
    if not text:
        return b"null"
    if _integer(text) and len(text) <= _EXACT_DIGITS:
        return b"%d" % int(text)
    return orjson.dumps(_sound(text.decode("ascii", "replace")))


def _tags(raw: bytes, _charset: CharacterSet) -> bytes | None:
    if len(raw) % 4:
        return None
    if not raw:
        return EMPTY
    words = struct.unpack(f"<{len(raw) // 2}H", raw)
    pairs = zip(words[::2], words[1::2], strict=True)
    return b',"Value":[%b]}' % b",".join([b'"%04X%04X"' % pair for pair in pairs])


def _binary_integers(raw: bytes, _charset: CharacterSet, *, code: str, size: int) -> bytes | None:
    if len(raw) % size:
        return None
    if not raw:
        return EMPTY
    numbers = struct.unpack(f"<{len(raw) // size}{code}", raw)
    return b',"Value":[%b]}' % b",".join([b"%d" % number for number in numbers])


def _long_integers(raw: bytes, _charset: CharacterSet, *, code: str) -> bytes | None:
    """Write SV and UV: as text what a JSON number may not hold exactly (JSON-21)."""
    if len(raw) % 8:
        return None
    if not raw:
        return EMPTY
    numbers = struct.unpack(f"<{len(raw) // 8}{code}", raw)
    texts = [b"%d" % number if abs(number) <= _MAX_SAFE_INTEGER else b'"%d"' % number for number in numbers]
    return b',"Value":[%b]}' % b",".join(texts)


def _floats(raw: bytes, _charset: CharacterSet, *, dtype: str, size: int) -> bytes | None:
    """Write FL and FD in the shortest form that reads back the same (JSON-22); None for NaN and infinities too."""
    if len(raw) % size:
        return None
    if not raw:
        return EMPTY
    numbers = np.frombuffer(raw, dtype)
    if not np.isfinite(numbers).all():
        return None
    if dtype == "<f4":
        return b',"Value":[%b]}' % b",".join([str(number).encode() for number in numbers])
    return b',"Value":%b}' % orjson.dumps(numbers.tolist())


def inline_binary(raw: bytes, _charset: CharacterSet | None = None) -> bytes:
    """Write a whole value field as base64 (JSON-36)."""
    return b',"InlineBinary":"%b"}' % b64encode(raw) if raw else EMPTY


def _sound(text: str) -> str:
    """Replace what no UTF-8 text can hold."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


Writer = Callable[[bytes, CharacterSet], bytes | None]

WRITERS: Final[Mapping[bytes, Writer]] = {
    **dict.fromkeys((b"LO", b"SH", b"UC"), _strings),
    **dict.fromkeys((b"LT", b"ST", b"UT", b"UR"), _text),
    **dict.fromkeys((b"AE", b"AS", b"CS", b"DA", b"DT", b"TM", b"UI"), _codes),
    b"PN": _names,
    b"DS": _decimals,
    b"IS": _integers,
    b"AT": _tags,
    b"SS": partial(_binary_integers, code="h", size=2),
    b"US": partial(_binary_integers, code="H", size=2),
    b"SL": partial(_binary_integers, code="i", size=4),
    b"UL": partial(_binary_integers, code="I", size=4),
    b"SV": partial(_long_integers, code="q"),
    b"UV": partial(_long_integers, code="Q"),
    b"FL": partial(_floats, dtype="<f4", size=4),
    b"FD": partial(_floats, dtype="<f8", size=8),
    **dict.fromkeys((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"UN"), inline_binary),
}
"""By VR; sequences apart."""

BULK_VRS: Final = frozenset(
    b"DS FL FD IS LT OB OD OF OL OV OW SL SS ST SV UC UL UN US UT UV".split(),
)
"""VRs that may be given as BulkDataURI (JSON-32)."""

BINARY_VRS: Final = frozenset(b"OB OD OF OL OV OW UN FL FD SL SS SV UL US UV".split())
"""VRs whose values become bulk data above the threshold; texts do so above 64 times that."""

LONG_VRS: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs with a 32-bit length in Explicit VR (PS3.5 7.1.2)."""
