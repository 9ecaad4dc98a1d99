"""Transfer syntaxes as one table: what each does to pixel data and the media type of one of its frames.

Source: PS3.5 10 and annex A, PS3.18 Table 8.7.3-5 (MT-20), Table 8.7.3-4 (MT-12).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
ENCAPSULATED_UNCOMPRESSED: Final = "1.2.840.10008.1.2.1.98"
DEFLATED_IMAGE_FRAME: Final = "1.2.840.10008.1.2.8.1"
RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS: Final = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1: Final = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS: Final = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS: Final = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
JPEG_2000: Final = "1.2.840.10008.1.2.4.91"
JPEG_2000_PART_2_LOSSLESS: Final = "1.2.840.10008.1.2.4.92"
JPEG_2000_PART_2: Final = "1.2.840.10008.1.2.4.93"
JPEG_XL_LOSSLESS: Final = "1.2.840.10008.1.2.4.110"
JPEG_XL_RECOMPRESSION: Final = "1.2.840.10008.1.2.4.111"
JPEG_XL: Final = "1.2.840.10008.1.2.4.112"
HTJ2K_LOSSLESS: Final = "1.2.840.10008.1.2.4.201"
HTJ2K_LOSSLESS_RPCL: Final = "1.2.840.10008.1.2.4.202"
HTJ2K: Final = "1.2.840.10008.1.2.4.203"


class Compression(Enum):
    """What a transfer syntax does to pixel data."""

    NATIVE = "native"
    """Not encapsulated."""
    LOSSLESS = "lossless"
    """Encapsulated, and every sample survives; uncompressed frames in fragments as well."""
    LOSSY = "lossy"
    """Encapsulated, and samples may have changed; syntaxes that allow both count as this."""
    VIDEO = "video"
    """Encapsulated, lossy, and frames cannot be told apart."""


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """One row of the table."""

    uid: str
    compression: Compression
    media_type: str
    """Media type of a frame, or of the stream of a video, as stored."""


_MPEG_2: Final = tuple(f"1.2.840.10008.1.2.4.{end}" for end in ("100", "100.1", "101", "101.1"))
_MPEG_4: Final = tuple(f"1.2.840.10008.1.2.4.{n}{form}" for n in range(102, 107) for form in ("", ".1"))
_HEVC: Final = ("1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108")

_ROWS: Final = (
    (Compression.NATIVE, "application/octet-stream", (
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
    )),
    (Compression.LOSSLESS, "application/octet-stream", (ENCAPSULATED_UNCOMPRESSED,)),
    (Compression.LOSSLESS, "application/x-deflate", (DEFLATED_IMAGE_FRAME,)),
    (Compression.LOSSLESS, "image/dicom-rle", (RLE_LOSSLESS,)),
    (Compression.LOSSY, "image/jpeg", (JPEG_BASELINE, JPEG_EXTENDED)),
    (Compression.LOSSLESS, "image/jpeg", (JPEG_LOSSLESS, JPEG_LOSSLESS_SV1)),
    (Compression.LOSSLESS, "image/jls", (JPEG_LS_LOSSLESS,)),
    (Compression.LOSSY, "image/jls", (JPEG_LS_NEAR_LOSSLESS,)),
    (Compression.LOSSLESS, "image/jp2", (JPEG_2000_LOSSLESS,)),
    (Compression.LOSSY, "image/jp2", (JPEG_2000,)),
    (Compression.LOSSLESS, "image/jpx", (JPEG_2000_PART_2_LOSSLESS,)),
    (Compression.LOSSY, "image/jpx", (JPEG_2000_PART_2,)),
    (Compression.LOSSLESS, "image/jxl", (JPEG_XL_LOSSLESS,)),
    (Compression.LOSSY, "image/jxl", (JPEG_XL_RECOMPRESSION, JPEG_XL)),
    (Compression.LOSSLESS, "image/jphc", (HTJ2K_LOSSLESS, HTJ2K_LOSSLESS_RPCL)),
    (Compression.LOSSY, "image/jphc", (HTJ2K,)),
    (Compression.VIDEO, "video/mpeg", _MPEG_2),
    (Compression.VIDEO, "video/mp4", _MPEG_4),
    (Compression.VIDEO, "video/H265", _HEVC),
)  # fmt: skip

SYNTAXES: Final[Mapping[str, TransferSyntax]] = {
    uid: TransferSyntax(uid, compression, media_type) for compression, media_type, uids in _ROWS for uid in uids
}
"""Transfer syntaxes by UID; others are stored and given out as they are."""


def _uids_of(compression: Compression) -> frozenset[str]:
    return frozenset(uid for uid, syntax in SYNTAXES.items() if syntax.compression is compression)


NATIVE_SYNTAXES: Final = _uids_of(Compression.NATIVE)
LOSSLESS_SYNTAXES: Final = _uids_of(Compression.LOSSLESS)
LOSSY_SYNTAXES: Final = _uids_of(Compression.LOSSY)
"""Lossy ones of images; `VIDEO_SYNTAXES` are apart."""
VIDEO_SYNTAXES: Final = _uids_of(Compression.VIDEO)
ENCAPSULATED_SYNTAXES: Final = LOSSLESS_SYNTAXES | LOSSY_SYNTAXES | VIDEO_SYNTAXES
