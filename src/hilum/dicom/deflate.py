"""Deflated data sets, inflated in bounded memory.

Source: PS3.5 A.5.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from hilum.dicom.instance import DecodeError, ScanLimits, TruncatedError
from hilum.dicom.spools import COPY_BYTES, Sidecar, Source
from hilum.dicom.transfer_syntaxes import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN

DEFLATED_SYNTAXES: Final[Mapping[str, str]] = {
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: EXPLICIT_VR_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.4.95": "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.205": "1.2.840.10008.1.2.4.204",
}
"""Transfer syntaxes whose whole data set is deflated, and what they are when inflated."""

_RATIO_FROM_BYTES: Final = 64 * 1024 * 1024


def inflate(source: Source, offset: int, limits: ScanLimits, sidecar: Sidecar) -> None:
    """Write the inflated bytes of `source` from `offset` on to `sidecar`.

    Raises:
        DecodeError: it is no deflated bit stream, or inflates beyond the limits.
        TruncatedError: the bit stream has no end.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated, start = 0, offset
    raw = b""
    while not inflater.eof:
        if not raw:
            raw = source[offset : offset + COPY_BYTES]
            offset += len(raw)
        is_end = not raw
        piece = _inflate_piece(inflater, raw, offset)
        raw = inflater.unconsumed_tail
        # At the end of the source the inflater may still hold output.
        if is_end and not piece and not inflater.eof:
            raise TruncatedError("The deflated data set is cut short.", offset=offset)
        inflated += len(piece)
        _check(inflated, offset - len(raw) - start, limits)
        sidecar.write(piece)


def _inflate_piece(inflater: zlib._Decompress, raw: bytes, offset: int) -> bytes:
    try:
        return inflater.decompress(raw, COPY_BYTES)
    except zlib.error as error:
        raise DecodeError("The data set is not deflated as its transfer syntax says.", offset=offset) from error


def _check(inflated: int, deflated: int, limits: ScanLimits) -> None:
    if inflated > limits.inflated_bytes:
        raise DecodeError("The deflated data set is larger than this server inflates.")
    if inflated > _RATIO_FROM_BYTES and inflated > limits.inflation_ratio * deflated:
        raise DecodeError("The deflated data set inflates out of all proportion.")
