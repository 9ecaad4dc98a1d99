"""What the Retrieve transaction can produce for a stored instance, by its transfer syntax, best first.

Source: PS3.18 Tables 8.7.3-2, 8.7.3-4 and 8.7.3-5, 8.7.3.4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from hilum.dicom.transfer_syntaxes import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    SYNTAXES,
    Compression,
)
from hilum.wire.selection import Offer, Packaging

NEVER_TRAVEL: Final = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})
"""Transfer syntaxes that are not used on the web (TSX-01)."""

_DECODABLE: Final = frozenset({Compression.NATIVE, Compression.LOSSLESS, Compression.LOSSY})
_OCTETS: Final = "application/octet-stream"

METADATA_OFFERS: Final = (
    Offer(Packaging.SINGLE, "application/dicom+json", is_default_type=True, charsets=("utf-8",)),
    Offer(Packaging.MULTIPART, "application/dicom+xml", charsets=("utf-8",)),
)
"""Forms of several data sets, the default first. To offer another, add a row."""

ONE_DATA_SET_OFFERS: Final = (
    *METADATA_OFFERS,
    Offer(Packaging.SINGLE, "application/dicom+xml", charsets=("utf-8",)),
)
"""Forms where there is one data set: the metadata of an instance (WADO-32), the Store Instances Response (STOW-40)."""

ARCHIVE_FILE_OFFERS: Final = (
    Offer(Packaging.SINGLE, "application/zip", parameters=(("dicomdir", "true"),)),
    Offer(Packaging.SINGLE, "application/zip"),
)
"""Studies, series and instances as one file (PAY-09): with a DICOMDIR, and without. Never a default."""


@lru_cache(maxsize=256)
def object_offers(transfer_syntax_uid: str, packagings: tuple[Packaging, ...]) -> tuple[Offer, ...]:
    """Return the forms in which a whole instance can be given out.

    Explicit VR Little Endian is the default of what is stored uncompressed or losslessly compressed (TSX-02,
    TSX-03); what is lossy, video or of an unknown syntax travels as stored by default. What never travels
    (TSX-01) is not offered. `transfer-syntax=*` takes the first: as stored costs and loses nothing (TSX-05).
    """
    compression = _compression(transfer_syntax_uid)
    syntaxes: dict[str, None] = {}
    if transfer_syntax_uid not in NEVER_TRAVEL:
        syntaxes[transfer_syntax_uid] = None
    if compression in _DECODABLE:
        syntaxes[EXPLICIT_VR_LITTLE_ENDIAN] = None
    is_kept = compression not in (Compression.NATIVE, Compression.LOSSLESS)
    default = transfer_syntax_uid if is_kept else EXPLICIT_VR_LITTLE_ENDIAN
    return tuple(
        Offer(
            packaging,
            "application/dicom",
            uid,
            is_default_type=packaging is Packaging.MULTIPART,
            is_default_syntax=uid == default,
        )
        for packaging in packagings
        for uid in syntaxes
    )


@lru_cache(maxsize=256)
def frame_offers(transfer_syntax_uid: str, packagings: tuple[Packaging, ...]) -> tuple[Offer, ...]:
    """Return the forms in which frames can be given out: as stored, and decoded to octets.

    `application/octet-stream; transfer-syntax=*` gives the stored codestream: viewers ask for it so. An image
    type without a syntax gives the stored one of that type (MT-25). Video is passed through (WADO-55).
    """
    compression = _compression(transfer_syntax_uid)
    forms: dict[tuple[str, str], bool] = {}
    if compression is not Compression.NATIVE:
        stored_type = SYNTAXES[transfer_syntax_uid].media_type if compression else _OCTETS
        forms[stored_type, transfer_syntax_uid] = stored_type != _OCTETS or compression not in _DECODABLE
        forms.setdefault((_OCTETS, transfer_syntax_uid), False)
    if compression in _DECODABLE:
        forms[_OCTETS, EXPLICIT_VR_LITTLE_ENDIAN] = True
    default = _OCTETS if compression in _DECODABLE or compression is None else stored_type
    # A browser's video element asks for `*/*`, and plays a single part alone.
    is_alone = compression is Compression.VIDEO and Packaging.SINGLE in packagings
    default_packaging = Packaging.SINGLE if is_alone else Packaging.MULTIPART
    return tuple(
        Offer(
            packaging,
            media_type,
            uid,
            is_default_type=packaging is default_packaging and media_type == default,
            is_default_syntax=is_default_syntax,
        )
        for packaging in packagings
        for (media_type, uid), is_default_syntax in forms.items()
    )


def _compression(transfer_syntax_uid: str) -> Compression | None:
    """Return what the syntax does to pixel data, None for a syntax that no table knows."""
    syntax = SYNTAXES.get(transfer_syntax_uid)
    return syntax.compression if syntax else None


FILES_AND_OBJECTS: Final = (
    *ARCHIVE_FILE_OFFERS,
    *object_offers(EXPLICIT_VR_LITTLE_ENDIAN, (Packaging.MULTIPART, Packaging.SINGLE)),
)
"""What decides whether a user agent that names archive files prefers them to objects."""


@lru_cache(maxsize=256)
def bulk_offers(media_type: str, packagings: tuple[Packaging, ...]) -> tuple[Offer, ...]:
    """Return the forms in which one bulk value can be given out.

    Octets come in multipart by default (WADO-24). A document of a media type of its own (WADO-49) comes as a single
    part by default where that can be had, as a browser shows it.

    Args:
        media_type: of the value; `application/octet-stream` for all but encapsulated documents.
        packagings: both where the target resource is this one value.
    """
    types = dict.fromkeys((media_type, _OCTETS))
    is_alone = media_type != _OCTETS and Packaging.SINGLE in packagings
    default_packaging = Packaging.SINGLE if is_alone else Packaging.MULTIPART
    return tuple(
        Offer(packaging, offered, is_default_type=packaging is default_packaging and offered == media_type)
        for packaging in packagings
        for offered in types
    )
