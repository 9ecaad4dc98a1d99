"""Transfer syntaxes as one table: how their pixel data are kept and what they are called on the web.

Source: PS3.5 chapter 10 and annex A, PS3.18 Table 8.7.3-5 (MT-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

IMPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
DEFLATED_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"


class Kind(Enum):
    """How pixel data are kept."""

    NATIVE = "native"
    """One value field of pixels."""
    LOSSLESS = "lossless"
    """Encapsulated; decoding gives the pixels that were encoded."""
    LOSSY = "lossy"
    """Encapsulated; decoding may give other pixels. Syntaxes that allow both count here."""
    VIDEO = "video"
    """One encapsulated stream; it is passed through and never decoded."""
    UNKNOWN = "unknown"
    """Not in the table, such as private syntaxes: kept and given out as stored."""


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """One row of the table."""

    uid: str
    kind: Kind
    media_type: str = ""
    """Bulk data media type of its frames; '' where there is none."""

    @property
    def travels(self) -> bool:
        """Whether objects in this syntax may be sent (TSX-01)."""
        return self.uid not in (IMPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN)

    @property
    def is_encapsulated(self) -> bool:
        """Whether pixel data are encapsulated."""
        return self.kind is not Kind.NATIVE

    @property
    def is_decodable(self) -> bool:
        """Whether this origin server can give the object in Explicit VR Little Endian."""
        return self.kind in (Kind.NATIVE, Kind.LOSSLESS, Kind.LOSSY)


_JPEG_2000: Final = "image/jp2"
_MPEG: Final = "video/mpeg"
_MP4: Final = "video/mp4"

_ROWS: Final = {
    "": (Kind.NATIVE, "application/octet-stream"),
    ".1": (Kind.NATIVE, "application/octet-stream"),
    ".1.98": (Kind.LOSSLESS, "application/octet-stream"),
    ".1.99": (Kind.NATIVE, "application/octet-stream"),
    ".2": (Kind.NATIVE, "application/octet-stream"),
    ".4.50": (Kind.LOSSY, "image/jpeg"),
    ".4.51": (Kind.LOSSY, "image/jpeg"),
    ".4.57": (Kind.LOSSLESS, "image/jpeg"),
    ".4.70": (Kind.LOSSLESS, "image/jpeg"),
    ".4.80": (Kind.LOSSLESS, "image/jls"),
    ".4.81": (Kind.LOSSY, "image/jls"),
    ".4.90": (Kind.LOSSLESS, _JPEG_2000),
    ".4.91": (Kind.LOSSY, _JPEG_2000),
    ".4.92": (Kind.LOSSLESS, "image/jpx"),
    ".4.93": (Kind.LOSSY, "image/jpx"),
    ".4.100": (Kind.VIDEO, _MPEG),
    ".4.100.1": (Kind.VIDEO, _MPEG),
    ".4.101": (Kind.VIDEO, _MPEG),
    ".4.101.1": (Kind.VIDEO, _MPEG),
    ".4.102": (Kind.VIDEO, _MP4),
    ".4.102.1": (Kind.VIDEO, _MP4),
    ".4.103": (Kind.VIDEO, _MP4),
    ".4.103.1": (Kind.VIDEO, _MP4),
    ".4.104": (Kind.VIDEO, _MP4),
    ".4.104.1": (Kind.VIDEO, _MP4),
    ".4.105": (Kind.VIDEO, _MP4),
    ".4.105.1": (Kind.VIDEO, _MP4),
    ".4.106": (Kind.VIDEO, _MP4),
    ".4.106.1": (Kind.VIDEO, _MP4),
    ".4.107": (Kind.VIDEO, "video/H265"),
    ".4.108": (Kind.VIDEO, "video/H265"),
    ".4.110": (Kind.LOSSLESS, "image/jxl"),
    ".4.111": (Kind.LOSSY, "image/jxl"),
    ".4.112": (Kind.LOSSY, "image/jxl"),
    ".4.201": (Kind.LOSSLESS, "image/jphc"),
    ".4.202": (Kind.LOSSLESS, "image/jphc"),
    ".4.203": (Kind.LOSSY, "image/jphc"),
    ".5": (Kind.LOSSLESS, "image/dicom-rle"),
    ".8.1": (Kind.LOSSLESS, "application/x-deflate"),
}

SYNTAXES: Final[Mapping[str, TransferSyntax]] = MappingProxyType(
    {
        IMPLICIT_LITTLE_ENDIAN + suffix: TransferSyntax(IMPLICIT_LITTLE_ENDIAN + suffix, kind, media_type)
        for suffix, (kind, media_type) in _ROWS.items()
    }
)


def syntax_of(uid: str) -> TransferSyntax:
    """Return the row of a Transfer Syntax UID; an unknown one is passed through as stored.

    >>> syntax_of("1.2.840.10008.1.2.4.70").media_type
    'image/jpeg'
    """
    return SYNTAXES.get(uid) or TransferSyntax(uid, Kind.UNKNOWN)
