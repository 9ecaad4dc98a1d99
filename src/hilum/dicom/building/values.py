"""Values of the DICOM JSON Model to value fields in Explicit VR Little Endian.

Source: PS3.5 6.2, 7.1; PS3.18 F.2.
"""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hilum.dicom.reading.instance import DecodeError

Encoder = Callable[[Sequence[Any], str], bytes]
"""Values, of which some may be None, and a Python codec to the field without padding.

Raises UnicodeEncodeError where the codec lacks a character, DecodeError where the VR cannot hold a value.
"""

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_SPECIAL: Final = {"nan": "nan", "inf": "inf", "+inf": "inf", "-inf": "-inf", "infinity": "inf", "-infinity": "-inf"}
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,30}(?:\.0*)?\s*")
_FLOAT: Final = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?\s*")
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_MAX_NUMBER_CHARACTERS: Final = 400
_BACKSLASH: Final = "A value holds a backslash, which separates values."


def _text_of(value: object) -> str:
    """Return a value as text; a float that is a whole number has no fraction, as JSON means it."""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def _codes(values: Sequence[Any], _codec: str) -> bytes:
    """Encode values of the default repertoire; a backslash in one separates two, as in the value field."""
    return "\\".join("" if value is None else _text_of(value) for value in values).encode("latin_1")


def _texts(values: Sequence[Any], codec: str) -> bytes:
    """Encode values of LO, SH or UC.

    A backslash in a value cannot go back (JSON-28): it is refused. Nor may a character's second byte look like one.
    """
    texts = ["" if value is None else _text_of(value) for value in values]
    if any("\\" in text for text in texts):
        raise DecodeError(_BACKSLASH)
    return _separable("\\".join(texts), codec)


def _separable(text: str, codec: str) -> bytes:
    encoded = text.encode(codec)
    if encoded.count(b"\\") != text.count("\\"):
        raise UnicodeEncodeError(codec, text, 0, len(text), "a character holds the byte of the backslash")
    return encoded


def _one_text(values: Sequence[Any], codec: str) -> bytes:
    """Encode LT, ST or UT, which have one value."""
    if len(values) > 1:
        raise DecodeError("An attribute of one value has several.")
    return _text_of(values[0]).encode(codec) if values and values[0] is not None else b""


def _uri(values: Sequence[Any], _codec: str) -> bytes:
    return _one_text(values, "latin_1")


def _names(values: Sequence[Any], codec: str) -> bytes:
    names = ["=".join((name or {}).get(group, "") for group in _GROUPS).rstrip("=") for name in values]
    if any("\\" in name for name in names):
        raise DecodeError(_BACKSLASH)
    return _separable("\\".join(names), codec)


def _tags(values: Sequence[Any], _codec: str) -> bytes:
    fields = []
    for value in values:
        text = str(value)
        if not _TAG.fullmatch(text):
            raise DecodeError("An attribute tag is not of eight hexadecimal digits.")
        fields.append(struct.pack("<HH", int(text[:4], 16), int(text[4:], 16)))
    return b"".join(fields)


def _numbers(code: str, number_of: Callable[[object], float]) -> Encoder:
    packer = struct.Struct("<" + code)

    def encode(values: Sequence[Any], _codec: str) -> bytes:
        try:
            return b"".join([packer.pack(number_of(value)) for value in values])
        except (struct.error, OverflowError) as error:
            raise DecodeError("A number is beyond the range of its VR.") from error

    return encode


def _integer(value: object) -> int:
    """Return an integer exactly, whatever its magnitude."""
    text = repr(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if not _INTEGER.fullmatch(text):
        raise DecodeError("A value is no integer.")
    return int(text.partition(".")[0])


def _float(value: object) -> float:
    text = str(value)
    special = _SPECIAL.get(text.strip().lower())
    if special is not None:
        return float(special)
    if len(text) > _MAX_NUMBER_CHARACTERS or not _FLOAT.fullmatch(text):
        raise DecodeError("A value is no number.")
    return float(text)


def inline_binary(text: str) -> bytes:
    """Return the bytes of an InlineBinary.

    Raises:
        DecodeError: it is no base64.
    """
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise DecodeError("An InlineBinary is no base64.") from error


ENCODERS: Final[Mapping[str, Encoder]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"), _codes),
    **dict.fromkeys(("LO", "SH", "UC"), _texts),
    **dict.fromkeys(("LT", "ST", "UT"), _one_text),
    "UR": _uri,
    "PN": _names,
    "AT": _tags,
    "US": _numbers("H", _integer),
    "SS": _numbers("h", _integer),
    "UL": _numbers("I", _integer),
    "SL": _numbers("i", _integer),
    "UV": _numbers("Q", _integer),
    "SV": _numbers("q", _integer),
    "FL": _numbers("f", _float),
    "FD": _numbers("d", _float),
}
"""Encoders by VR; SQ and the binary VRs have none."""

PADDING: Final[Mapping[str, bytes]] = dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UI", "UN"), b"\0")
"""What makes a field of odd length even, where it is not a space."""

WORD_BYTES: Final[Mapping[str, int]] = {"OW": 2, "OF": 4, "OL": 4, "FL": 4, "SL": 4, "UL": 4} | {
    **dict.fromkeys(("SS", "US"), 2),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
"""Bytes of which a field has a whole number; others may be of any length."""
