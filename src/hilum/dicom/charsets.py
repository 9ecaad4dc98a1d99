"""Specific Character Set: bytes of a data set to text (PS3.5 6.1, PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pydicom.charset import convert_encodings, decode_bytes

_PLAIN_SETS: Final = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 100", "ISO_IR 192"})
_SINGLE_BYTE: Final = {
    "": "ascii",
    "ISO_IR 6": "ascii",
    "ISO 2022 IR 6": "ascii",
    "ISO_IR 100": "latin-1",
    "ISO_IR 192": "utf-8",
}
_DELIMITERS: Final = {0x0D, 0x0A, 0x09, 0x0C, 0x5C}
_NAME_DELIMITERS: Final = _DELIMITERS | {0x5E, 0x3D}
_ESCAPE: Final = re.compile(r"\x1b\$?[\(\)\-]?[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """How the text of one data set is read; bytes that do not fit become replacement characters (JSON-45)."""

    decode: Callable[[bytes], str]
    decode_name: Callable[[bytes], str]
    """The same for person names, whose components each begin in the first set again."""


@lru_cache(maxsize=512)
def character_set(terms: str) -> CharacterSet:
    r"""Return the reader for a Specific Character Set value.

    Args:
        terms: the value with `\` between its terms; '' is the default repertoire.

    >>> character_set("ISO_IR 100").decode(b"K\xf6ln")
    'Köln'
    """
    encoding = _SINGLE_BYTE.get(terms)
    if encoding == "ascii":
        # Text beyond ASCII without a declared set is an error of the writer: nearly always Latin-1 or UTF-8.
        return CharacterSet(_guess, _guess)
    if encoding:
        decode = _replacing(encoding)
        return CharacterSet(decode, decode)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            encodings = convert_encodings(terms.split("\\"))
        except (LookupError, ValueError, TypeError, AttributeError):
            return CharacterSet(_guess, _guess)
    return CharacterSet(_by_pydicom(encodings, _DELIMITERS), _by_pydicom(encodings, _NAME_DELIMITERS))


def text_as_utf8(raw: bytes, terms: str) -> bytes:
    """Return a text value field as UTF-8, without its padding (JSON-39)."""
    return character_set(terms).decode(raw).rstrip(" \0").encode("utf-8", "replace")


def _replacing(encoding: str) -> Callable[[bytes], str]:
    return lambda raw: raw.decode(encoding, "replace")


def _guess(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("ascii", "replace")


def _by_pydicom(encodings: list[str], delimiters: set[int]) -> Callable[[bytes], str]:
    def decode(raw: bytes) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                text = decode_bytes(raw, encodings, delimiters)
            except (UnicodeError, LookupError, ValueError):
                text = raw.decode(encodings[0], "replace")
        return _ESCAPE.sub("", text) if "\x1b" in text else text

    return decode
