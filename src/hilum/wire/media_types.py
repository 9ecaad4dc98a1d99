"""Media types as values: parsing and writing (RFC 9110 8.3.1, PS3.18 8.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

MAX_CHARACTERS: Final = 16_384
"""Longest header value that is looked at; what comes after it is as if it were not there."""

_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_ESSENCE: Final = re.compile(rf"\s*({_WORD})/({_WORD})[ \t]*")
# A value without quotes may hold what a token may not: user agents send `type=application/dicom` (NEG-06).
_PARAMETER: Final = re.compile(rf';[ \t]*(?:({_WORD})[ \t]*=[ \t]*("(?:[^"\\]|\\.)*+"|[^\s;"]+)[ \t]*)?')
_WHOLE_WORD: Final = re.compile(_WORD)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

NO_PARAMETERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters.

    >>> str(MediaType("multipart", "related", {"type": "application/dicom"}))
    'multipart/related; type="application/dicom"'
    """

    type: str
    """Lower case, as `subtype`."""
    subtype: str
    parameters: Mapping[str, str] = field(default_factory=lambda: NO_PARAMETERS)
    """By name in lower case; values without quotes."""

    @property
    def essence(self) -> str:
        """The type without parameters, such as `application/dicom+json`."""
        return f"{self.type}/{self.subtype}"

    def __str__(self) -> str:
        """Return the media type as a header writes it."""
        return self.essence + "".join(f"; {name}={quoted(value)}" for name, value in self.parameters.items())


def quoted(value: str) -> str:
    r"""Return a parameter value as a header writes it: a token as it is, all else in double quotes (MT-41).

    >>> quoted("1.2.840.10008.1.2.1"), quoted("image/jpeg")
    ('1.2.840.10008.1.2.1', '"image/jpeg"')
    """
    if _WHOLE_WORD.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=256)
def parse_media_type(text: str) -> MediaType:
    """Return the media type that a Content-Type names. Of a repeated parameter the first counts (TSX-04).

    Raises:
        ValueError: `text` is no media type.

    >>> parse_media_type('Multipart/Related; TYPE="application/dicom"; boundary="a b"').parameters["boundary"]
    'a b'
    """
    found = _ESSENCE.match(text, 0, MAX_CHARACTERS)
    if found is None:
        raise ValueError("This is no media type.")
    parameters: dict[str, str] = {}
    position = found.end()
    while position < len(text):
        parameter = _PARAMETER.match(text, position, MAX_CHARACTERS)
        if parameter is None:
            raise ValueError("The parameters of this media type are malformed.")
        position = parameter.end()
        name, value = parameter.groups()
        if name:
            parameters.setdefault(name.lower(), _unquoted(value))
    return MediaType(found[1].lower(), found[2].lower(), MappingProxyType(parameters))


def _unquoted(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
