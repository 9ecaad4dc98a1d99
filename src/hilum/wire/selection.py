"""Which of the representations that an origin server can make the user agent likes best (PS3.18 8.7.8).

One function for every service: the caller lists what it can produce for a target, best first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from hilum.wire.accept import MediaRange, parse_accept, parse_accept_parameter

_USUAL_CHARACTERS: Final = 1024
"""Longer headers are no viewer's; what they select is not kept."""


class Packaging(Enum):
    """How representations travel (PS3.18 8.6.1)."""

    SINGLE = "single part"
    MULTIPART = "multipart/related"


@dataclass(frozen=True, slots=True)
class Offer:
    """One representation that can be produced for a target."""

    packaging: Packaging
    media_type: str
    transfer_syntax_uid: str = ""
    """'' for media types that have none."""
    is_default_type: bool = False
    """`*/*` selects it: it is the default media type of the target's resource category."""
    is_default_syntax: bool = True
    """A range without `transfer-syntax` selects it (TSX-07, TSX-03)."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Further parameters, by name in lower case: only a range that has each of them, and no wildcard, selects it."""
    charsets: tuple[str, ...] = ()
    """Character sets of a text that it can be had in, in lower case; (): it has none (CHR-07, CHR-09)."""

    def __str__(self) -> str:
        """Return the offer as a user agent would ask for it."""
        text = self.media_type
        if self.packaging is Packaging.MULTIPART:
            text = f'multipart/related; type="{text}"'
        text += "".join(f"; {name}={value}" for name, value in self.parameters)
        return f"{text}; transfer-syntax={self.transfer_syntax_uid}" if self.transfer_syntax_uid else text


@dataclass(frozen=True, slots=True)
class Acceptable:
    """What a request says that its user agent accepts."""

    header: str
    """The Accept header; `*/*` where it is missing and that is allowed (NEG-02)."""
    parameter: str | None = None
    """The `accept` query parameter."""


def select(offers: tuple[Offer, ...], acceptable: Acceptable) -> Offer | None:
    """Return the offer that the user agent prefers; None: none is acceptable (406).

    The `accept` parameter is asked first, then the header; a tie goes to the range that the user agent named
    first, then to the default type if that range leaves the type open (NEG-12), then to the earlier offer
    (NEG-14 to NEG-16).

    Raises:
        ValueError: the `accept` parameter has a wildcard, or names what the header does not cover.

    Source: PS3.18 8.7.8.1.
    """
    is_usual = len(acceptable.header) + len(acceptable.parameter or "") <= _USUAL_CHARACTERS
    return (_select if is_usual else _select.__wrapped__)(offers, acceptable)


@lru_cache(maxsize=2048)
def _select(offers: tuple[Offer, ...], acceptable: Acceptable) -> Offer | None:
    header = parse_accept(acceptable.header)
    if acceptable.parameter is not None:
        parameter = parse_accept_parameter(acceptable.parameter)
        for wanted in parameter:
            if not any(_covers(covering, wanted) for covering in header):
                raise ValueError(f"The Accept header does not cover {wanted.type}/{wanted.subtype} of accept.")
        selected = _best(offers, parameter)
        if selected is not None:
            return selected
    return _best(offers, header)


def _best(offers: Sequence[Offer], ranges: Sequence[MediaRange]) -> Offer | None:
    best: Offer | None = None
    best_rank = (0.0, 0, False)
    for offer in offers:
        matching = [(_specificity(media_range), media_range) for media_range in ranges if matches(media_range, offer)]
        if not matching:
            continue
        most_specific = max(specificity for specificity, _ in matching)
        media_range = next(found for specificity, found in matching if specificity == most_specific)
        prefers_default = offer.is_default_type and most_specific[1] == 0
        rank = (media_range.quality, -media_range.order, prefers_default)
        if media_range.quality > 0 and (best is None or rank > best_rank):
            best, best_rank = offer, rank
    return best


def matches(media_range: MediaRange, offer: Offer) -> bool:
    """Say whether a media range covers an offer.

    Source: PS3.18 8.7.7 (NEG-06, NEG-11, NEG-12), 8.7.3.5.2 (TSX-04, TSX-05).
    """
    if media_range.type == "*":
        return offer.is_default_type and _syntax_matches(media_range, offer)
    if not _parameters_match(media_range, offer):
        return False
    if (media_range.type, media_range.subtype) == ("multipart", "related"):
        part_type = media_range.parameters.get("type")
        return (
            offer.packaging is Packaging.MULTIPART
            and (part_type is None or _type_matches(part_type.lower(), offer.media_type))
            and _syntax_matches(media_range, offer)
        )
    if media_range.type == "multipart" and media_range.subtype == "*":
        return offer.packaging is Packaging.MULTIPART and _syntax_matches(media_range, offer)
    return (
        offer.packaging is Packaging.SINGLE
        and _type_matches(f"{media_range.type}/{media_range.subtype}", offer.media_type)
        and _syntax_matches(media_range, offer)
    )


# Names that came before the present ones, and names that user agents use (MT-26, MT-27, WADO-31).
ALIASES: Final = {
    "application/json": "application/dicom+json",
    "image/x-dicom-rle": "image/dicom-rle",
    "image/x-dicom+rle": "image/dicom-rle",
    "image/x-jls": "image/jls",
    "image/jph": "image/jphc",
    "video/mpeg2": "video/mpeg",
}


def _type_matches(wanted: str, media_type: str) -> bool:
    if wanted in ("*/*", media_type) or ALIASES.get(wanted) == media_type:
        return True
    main, _, sub = wanted.partition("/")
    return sub == "*" and media_type.partition("/")[0] == main


def _parameters_match(media_range: MediaRange, offer: Offer) -> bool:
    charset = media_range.parameters.get("charset")
    if offer.charsets and charset is not None and charset.lower() not in offer.charsets:
        return False
    return all(media_range.parameters.get(name) == value for name, value in offer.parameters)


def _syntax_matches(media_range: MediaRange, offer: Offer) -> bool:
    wanted = media_range.parameters.get("transfer-syntax")
    if wanted is None:
        return offer.is_default_syntax
    return wanted in ("*", offer.transfer_syntax_uid)


def _specificity(media_range: MediaRange) -> tuple[int, int, int]:
    """Rank exact types above `type/*` above `*/*`, then by what the range says of the part and its syntax."""
    exact = 0 if media_range.type == "*" else 1 if media_range.subtype == "*" else 2
    part_type = media_range.parameters.get("type", "*/*")
    part = 0 if part_type == "*/*" else 1 if part_type.endswith("/*") else 2
    syntax = media_range.parameters.get("transfer-syntax")
    return exact, part, 0 if syntax is None else 1 if syntax == "*" else 2


def _covers(covering: MediaRange, wanted: MediaRange) -> bool:
    if covering.quality == 0:
        return False
    if covering.type == "*":
        return True
    if covering.type != wanted.type or covering.subtype not in ("*", wanted.subtype):
        return ALIASES.get(f"{covering.type}/{covering.subtype}") == f"{wanted.type}/{wanted.subtype}"
    return covering.part_type is None or wanted.part_type is None or _type_matches(covering.part_type, wanted.part_type)


class Images(Enum):
    """What `image/jpeg` and its like mean on a resource (NEG-10)."""

    RENDERED = "rendered"
    """Rendered media types: instances, metadata, searches; and rendered and thumbnail resources."""
    BULK_DATA = "bulk data"
    """Media types of bulk data: frames, pixel data and bulk data."""


_DICOM_TYPES: Final = frozenset({"application/dicom", "application/dicom+json", "application/dicom+xml"})
_RENDERED_TYPES: Final = frozenset(
    {
        *("image/jpeg", "image/gif", "image/png", "image/jp2", "image/jph", "image/jxl"),
        *("video/mpeg", "video/mp4", "video/h265"),
        *("text/html", "text/plain", "text/xml", "text/rtf", "application/pdf"),
    }
)


def mixes_dicom_and_rendered(acceptable: Acceptable, images: Images) -> bool:
    """Say whether a request names DICOM media types and Rendered media types at once, which is an error.

    Only types that are written out count; `application/json` is no DICOM media type, and what comes in
    multipart/related with another type than those of DICOM is bulk data, or rendered on a rendered resource. Where
    images mean bulk data nothing is rendered.

    Source: PS3.18 8.3.3.1, 8.7.5 (NEG-09, NEG-10).
    """
    if images is Images.BULK_DATA:
        return False
    text = acceptable.header if acceptable.parameter is None else f"{acceptable.header},{acceptable.parameter}"
    return _mixes(text) if len(text) <= _USUAL_CHARACTERS else _mixes.__wrapped__(text)


@lru_cache(maxsize=512)
def _mixes(text: str) -> bool:
    acceptable = [media_range for media_range in parse_accept(text) if media_range.quality > 0]
    alone = {f"{found.type}/{found.subtype}" for found in acceptable if not found.is_multipart_related}
    parts = {found.part_type for found in acceptable if found.is_multipart_related}
    return not alone.isdisjoint(_RENDERED_TYPES) and not (alone | parts).isdisjoint(_DICOM_TYPES)
