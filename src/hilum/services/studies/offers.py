"""What the Retrieve transaction can produce for a stored instance, by its transfer syntax, best first.

Source: PS3.18 Tables 8.7.3-2, 8.7.3-4 and 8.7.3-5, 8.7.3.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from hilum.archive.negotiation import preferred_offer
from hilum.dicom.pixels.encode import LOSSLESS_TARGETS, LOSSY_TARGETS
from hilum.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_LOSSLESS,
    SYNTAXES,
    Compression,
)
from hilum.wire.selection import Acceptable, Offer, Packaging

NEVER_TRAVEL: Final = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})
"""Transfer syntaxes that are not used on the web (TSX-01)."""

_DECODABLE: Final = frozenset({Compression.NATIVE, Compression.LOSSLESS, Compression.LOSSY})
_OCTETS: Final = "application/octet-stream"
_TYPE_DEFAULTS: Final = {SYNTAXES[uid].media_type: uid for uid in reversed(LOSSLESS_TARGETS)}
"""Syntax of an image type that is asked for without one (MT-25): the first target of that type."""
_USUAL_CHARACTERS: Final = 1024
"""Longer headers are no viewer's; what they select is not kept."""

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
    (TSX-01) is not offered. `transfer-syntax=*` takes the first: as stored costs and loses nothing (TSX-05). What can
    be decoded can be encoded anew, lossily only if nothing is lost yet.
    """
    compression = _compression(transfer_syntax_uid)
    syntaxes: dict[str, None] = {}
    if transfer_syntax_uid not in NEVER_TRAVEL:
        syntaxes[transfer_syntax_uid] = None
    if compression in _DECODABLE:
        syntaxes[EXPLICIT_VR_LITTLE_ENDIAN] = None
        syntaxes |= dict.fromkeys((DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, *_targets(compression)))
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
    """Return the forms in which frames can be given out: as stored, decoded to octets, and encoded anew.

    `application/octet-stream; transfer-syntax=*` gives the stored codestream: viewers ask for it so. An image
    type without a syntax gives the stored one of that type, else the default of the type; what is stored in another
    lossless process of JPEG than the default one is turned into that (MT-25). Video is passed through (WADO-55).
    """
    compression = _compression(transfer_syntax_uid)
    forms: dict[tuple[str, str], bool] = {}
    if compression is not Compression.NATIVE:
        stored_type = SYNTAXES[transfer_syntax_uid].media_type if compression else _OCTETS
        is_default = stored_type != _OCTETS or compression not in _DECODABLE
        forms[stored_type, transfer_syntax_uid] = is_default and transfer_syntax_uid != JPEG_LOSSLESS
        forms.setdefault((_OCTETS, transfer_syntax_uid), False)
    if compression in _DECODABLE:
        forms[_OCTETS, EXPLICIT_VR_LITTLE_ENDIAN] = True
        settled = {media_type for (media_type, _), is_default in forms.items() if is_default}
        for uid in _targets(compression):
            media_type = SYNTAXES[uid].media_type
            is_default = media_type not in settled and _TYPE_DEFAULTS.get(media_type) == uid
            forms.setdefault((media_type, uid), is_default)
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


@lru_cache(maxsize=256)
def pixel_data_offers(transfer_syntax_uid: str, packagings: tuple[Packaging, ...]) -> tuple[Offer, ...]:
    """Return the forms of the pixel data of several frames: compressed ones come in multipart alone (MT-22)."""
    return tuple(
        offer
        for offer in frame_offers(transfer_syntax_uid, packagings)
        if offer.packaging is Packaging.MULTIPART or offer.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    )


def _targets(compression: Compression | None) -> tuple[str, ...]:
    """Return the encapsulated syntaxes that pixel data can be turned into, lossless ones first."""
    if compression is Compression.LOSSY:
        return LOSSLESS_TARGETS
    return LOSSLESS_TARGETS + LOSSY_TARGETS


def usual_offer(
    offers_of: Callable[[str, tuple[Packaging, ...]], tuple[Offer, ...]],
    transfer_syntax_uid: str,
    packagings: tuple[Packaging, ...],
    acceptable: Acceptable,
) -> Offer | None:
    """Return the offer that the user agent prefers among all that there are for a stored transfer syntax.

    Raises:
        InvalidRequest: as `preferred_offer`.
    """
    if len(acceptable.header) + len(acceptable.parameter or "") > _USUAL_CHARACTERS:
        return _usual_offer.__wrapped__(offers_of, transfer_syntax_uid, packagings, acceptable)
    return _usual_offer(offers_of, transfer_syntax_uid, packagings, acceptable)


# Keyed by a UID and not by the offers themselves: to hash some forty of them takes longer than to find a frame.
@lru_cache(maxsize=2048)
def _usual_offer(
    offers_of: Callable[[str, tuple[Packaging, ...]], tuple[Offer, ...]],
    transfer_syntax_uid: str,
    packagings: tuple[Packaging, ...],
    acceptable: Acceptable,
) -> Offer | None:
    return preferred_offer(offers_of(transfer_syntax_uid, packagings), acceptable)


def is_asked_for(offer: Offer, transfer_syntax_uid: str, acceptable: Acceptable) -> bool:
    """Say whether an offer may be chosen: what pixels would be encoded for anew has to be named.

    A wildcard such as a browser's `image/*` means what is there. What loses something is named by its UID, what loses
    nothing by that or by its media type.

    Args:
        offer: the offer.
        transfer_syntax_uid: the stored one.
        acceptable: what the user agent accepts.
    """
    uid = offer.transfer_syntax_uid
    if uid in (transfer_syntax_uid, EXPLICIT_VR_LITTLE_ENDIAN):
        return True
    asked = f"{acceptable.header} {acceptable.parameter or ''}"
    if uid not in LOSSY_TARGETS and offer.media_type in asked.lower():
        return True
    return re.search(rf"{re.escape(uid)}(?![0-9.])", asked) is not None


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
