"""What the Retrieve transaction can produce for a stored instance, by its transfer syntax, best first.

Source: PS3.18 Tables 8.7.3-2, 8.7.3-4 and 8.7.3-5, 8.7.3.4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from hilum.dicom.syntaxes import EXPLICIT_LITTLE_ENDIAN, Kind, syntax_of
from hilum.wire.selection import Offer, Packaging

METADATA_OFFERS: Final = (Offer(Packaging.SINGLE, "application/dicom+json", is_default_type=True),)


@lru_cache(maxsize=256)
def object_offers(transfer_syntax_uid: str, packagings: tuple[Packaging, ...]) -> tuple[Offer, ...]:
    """Return the forms in which a whole instance can be given out.

    Explicit VR Little Endian is the default of what is stored uncompressed or losslessly compressed (TSX-02,
    TSX-03); what is lossy or video travels as stored by default. What never travels (TSX-01) is not offered.
    """
    stored = syntax_of(transfer_syntax_uid)
    syntaxes: list[str] = []
    if stored.is_decodable:
        syntaxes.append(EXPLICIT_LITTLE_ENDIAN)
    if stored.travels and transfer_syntax_uid not in syntaxes:
        syntaxes.append(transfer_syntax_uid)
    default = transfer_syntax_uid if stored.kind in (Kind.LOSSY, Kind.VIDEO, Kind.UNKNOWN) else EXPLICIT_LITTLE_ENDIAN
    # `transfer-syntax=*` takes the first: as stored costs nothing and loses nothing (TSX-05).
    syntaxes.sort(key=lambda uid: uid != transfer_syntax_uid)
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
    type without a syntax gives the stored one of that type (MT-25).
    """
    stored = syntax_of(transfer_syntax_uid)
    octets = "application/octet-stream"
    forms: list[tuple[str, str, bool]] = []
    if stored.is_encapsulated:
        if stored.media_type:
            forms.append((stored.media_type, transfer_syntax_uid, True))
        forms.append((octets, transfer_syntax_uid, False))
    if stored.is_decodable:
        forms.append((octets, EXPLICIT_LITTLE_ENDIAN, True))
    default = octets if stored.is_decodable else stored.media_type
    return tuple(
        Offer(
            packaging,
            media_type,
            uid,
            is_default_type=packaging is Packaging.MULTIPART and media_type == default,
            is_default_syntax=is_default_syntax,
        )
        for packaging in packagings
        for media_type, uid, is_default_syntax in forms
    )


@lru_cache(maxsize=256)
def bulk_offers(media_type: str) -> tuple[Offer, ...]:
    """Return the forms in which one bulk value can be given out: multipart by default (WADO-24), or alone."""
    types = dict.fromkeys((media_type, "application/octet-stream"))
    return tuple(
        Offer(packaging, offered, is_default_type=packaging is Packaging.MULTIPART and offered == media_type)
        for packaging in (Packaging.MULTIPART, Packaging.SINGLE)
        for offered in types
    )
