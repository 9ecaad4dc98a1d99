"""What a user agent accepts: media ranges and content codings (RFC 9110 12.5, PS3.18 8.7.5 to 8.7.8).

Nothing here is an error in a header: entries that cannot be read are passed over (NEG-05).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from hilum.wire.media_types import MAX_CHARACTERS, NO_PARAMETERS, MediaType, parse_media_type

MAX_RANGES: Final = 128
"""Most media ranges of one header that are looked at."""

_KEPT_CHARACTERS: Final = 1024
"""Headers up to this length are parsed once; longer ones are no viewer's."""

_ENTRY: Final = re.compile(r'(?:[^",]++|"(?:[^"\\]|\\.)*+"?+)++', re.DOTALL)
# `.2` is outside the grammar, but stands in the default Accept header of Java's own HTTP client.
_QUALITY: Final = re.compile(r"0?\.[0-9]{1,3}|0\.?|1(?:\.0{0,3})?")
_PLUS_READ_AS_SPACE: Final = re.compile(r"(?<=[0-9A-Za-z]) (?=[0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of an Accept header."""

    type: str
    """Lower case; `*` stands for any."""
    subtype: str
    parameters: Mapping[str, str] = field(default_factory=lambda: NO_PARAMETERS)
    """Without `q` and `boundary`; names in lower case, values without quotes."""
    quality: float = 1.0
    """0 to 1; 0: not acceptable."""
    order: int = 0
    """Position among the entries of its header, from 0."""

    @property
    def is_multipart_related(self) -> bool:
        """Whether it asks for `multipart/related`."""
        return self.type == "multipart" and self.subtype == "related"

    @property
    def part_type(self) -> str | None:
        """The media type of the parts in lower case; None: any that the resource offers (NEG-12)."""
        value = self.parameters.get("type")
        return None if value is None else value.lower()

    @property
    def transfer_syntax_uid(self) -> str | None:
        """The transfer syntax it asks for; `*`: any; None: it names none."""
        return self.parameters.get("transfer-syntax")

    @property
    def specificity(self) -> tuple[int, int]:
        """Rank among ranges that match the same representation: the greater is the more specific (NEG-16)."""
        exactness = 0 if self.type == "*" else 1 if self.subtype == "*" else 2
        return exactness, len(self.parameters)

    def matches(self, media_type: MediaType) -> bool:
        """Say whether the range covers `media_type`: each of its parameters must have the same value there."""
        return (
            self.type in ("*", media_type.type)
            and self.subtype in ("*", media_type.subtype)
            and all(media_type.parameters.get(name) == value for name, value in self.parameters.items())
        )


def parse_accept(text: str) -> tuple[MediaRange, ...]:
    """Return the media ranges of an Accept header in the order of the user agent.

    Entries that are malformed, or whose quality is, are dropped (NEG-05); of a repeated parameter the first
    counts (TSX-04); `boundary` means nothing here (NEG-13).

    Source: PS3.18 8.4.1.1, 8.7.5 (NEG-03 to NEG-06).

    >>> [(found.type, found.quality) for found in parse_accept("image/png;q=0.5, nonsense, */*;q=2, text/*")]
    [('image', 0.5), ('text', 1.0)]
    """
    return _parsed(text) if len(text) <= _KEPT_CHARACTERS else _parsed.__wrapped__(text)


@lru_cache(maxsize=512)
def _parsed(text: str) -> tuple[MediaRange, ...]:
    ranges: list[MediaRange] = []
    for order, entry in enumerate(_ENTRY.finditer(text, 0, MAX_CHARACTERS)):
        if order == MAX_RANGES:
            break
        media_range = _media_range(entry[0], order)
        if media_range is not None:
            ranges.append(media_range)
    return tuple(ranges)


def parse_accept_parameter(text: str) -> tuple[MediaRange, ...]:
    """Return the media types of the `accept` query parameter, which knows no wildcards (NEG-07).

    Args:
        text: the value, percent-decoded. Where form decoding made a space of the plus sign in
            `application/dicom+json`, it is read as the plus sign again: no space can stand there.

    Raises:
        ValueError: an entry is malformed or has a wildcard; the message is a sentence for the user agent.

    Source: PS3.18 8.3.3.1.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError("The accept parameter is too long.")
    entries = [entry[0] for entry in _ENTRY.finditer(_PLUS_READ_AS_SPACE.sub("+", text))]
    if not 0 < len(entries) <= MAX_RANGES:
        raise ValueError("The accept parameter must be a list of media types.")
    return tuple(_parameter_range(entry, order) for order, entry in enumerate(entries))


def _parameter_range(entry: str, order: int) -> MediaRange:
    media_range = _media_range(entry, order)
    if media_range is None:
        raise ValueError("The accept parameter must be a list of media types.")
    if "*" in (media_range.type, media_range.subtype) or "*" in (media_range.part_type or ""):
        raise ValueError("The accept parameter takes no wildcards.")
    return media_range


def _media_range(entry: str, order: int) -> MediaRange | None:
    try:
        media_type = parse_media_type(entry)
    except ValueError:
        return None
    if media_type.type == "*" and media_type.subtype != "*":
        return None
    weight = media_type.parameters.get("q", "1")
    if not _QUALITY.fullmatch(weight):
        return None
    parameters = {name: value for name, value in media_type.parameters.items() if name not in ("q", "boundary")}
    return MediaRange(media_type.type, media_type.subtype, MappingProxyType(parameters), float(weight), order)


def quality_of(media_type: MediaType, ranges: Sequence[MediaRange]) -> float:
    """Return the quality that the most specific matching range gives to `media_type`; 0 where none matches.

    Source: PS3.18 8.7.8.1 (NEG-16, NEG-17).
    """
    matching = [media_range for media_range in ranges if media_range.matches(media_type)]
    # `max` keeps the earlier of equals: the user agent's own order decides.
    return max(matching, key=lambda media_range: media_range.specificity).quality if matching else 0.0


def preferred_coding(accept_encoding: str, offered: tuple[str, ...]) -> str | None:
    """Return the content coding that a user agent wants of those offered; None: the bare payload.

    A coding is wanted if it is accepted and liked no less than the bare payload; a tie goes to the earlier one.

    Args:
        accept_encoding: the header, '' if it is missing.
        offered: codings in lower case, the best first.

    Source: RFC 9110 12.5.3.

    >>> preferred_coding("gzip, deflate, br", ("zstd", "br", "gzip"))
    'br'
    >>> preferred_coding("*;q=0.1, gzip;q=0", ("gzip",)), preferred_coding("identity", ("gzip",))
    (None, None)
    """
    return _coding(accept_encoding[:_KEPT_CHARACTERS], offered)


_OLD_NAMES: Final = {"x-gzip": "gzip"}


@lru_cache(maxsize=256)
def _coding(accept_encoding: str, offered: tuple[str, ...]) -> str | None:
    qualities: dict[str, float] = {}
    for name, quality in _weighted(accept_encoding):
        qualities.setdefault(_OLD_NAMES.get(name, name), quality)
    rest = qualities.get("*", 0.0)
    best = max(offered, key=lambda coding: qualities.get(coding, rest), default=None)
    if best is None:
        return None
    quality = qualities.get(best, rest)
    return best if quality > 0 and quality >= qualities.get("identity", 0.0) else None


def _weighted(text: str) -> Iterator[tuple[str, float]]:
    """Yield the members of a list with weights, in lower case; those whose weight is malformed are passed over."""
    for entry in text[:MAX_CHARACTERS].split(",")[:MAX_RANGES]:
        name, _, weight = entry.partition(";")
        parameter, _, value = weight.partition("=")
        value = value.strip() if parameter.strip().lower() == "q" else "1"
        if _QUALITY.fullmatch(value):
            yield name.strip().lower(), float(value)


_CHARSET: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_ .:+-]{0,63}")


def parse_charsets(text: str) -> tuple[tuple[str, float], ...]:
    """Return the character sets of the `charset` query parameter in lower case, each with its weight (CHR-04).

    Raises:
        ValueError: it is no list of names, or has a wildcard; the message is a sentence for the user agent.

    Source: PS3.18 8.3.3.2.

    >>> parse_charsets("UTF-8, ISO-8859-1;q=0.5")
    (('utf-8', 1.0), ('iso-8859-1', 0.5))
    """
    names = tuple(_weighted(text))
    entries = text[:MAX_CHARACTERS].split(",")[:MAX_RANGES]
    if len(names) != len(entries) or not all(_CHARSET.fullmatch(name) for name, _ in names):
        raise ValueError("The charset parameter must be a list of names of character sets.")
    return names


@dataclass(frozen=True, slots=True)
class AcceptableCharsets:
    """Where a request says which character sets of a text it takes (CHR-03)."""

    media_type: str | None = None
    """The `charset` parameter of the media range that selected the text."""
    parameter: tuple[tuple[str, float], ...] = ()
    """The `charset` query parameter, parsed."""
    header: str = ""
    """The Accept-Charset header."""


def select_charset(acceptable: AcceptableCharsets, supported: tuple[str, ...]) -> str:
    """Return the character set of a text: the first of `supported` where nothing else is wanted.

    The media type is asked first, then the query parameter, then the header, in which unknown names are passed over
    (CHR-06).

    Args:
        acceptable: what the request says.
        supported: names in lower case, the default first.

    Source: PS3.18 8.8.5 (CHR-05, CHR-07).

    >>> select_charset(AcceptableCharsets(header="iso-8859-1, utf-8;q=0.5"), ("utf-8", "iso-8859-1"))
    'iso-8859-1'
    """
    if acceptable.media_type is not None and acceptable.media_type.lower() in supported:
        return acceptable.media_type.lower()
    for weights in (dict(acceptable.parameter), dict(_weighted(acceptable.header))):
        rest = weights.get("*", 0.0)
        best = max(supported, key=lambda name: weights.get(name, rest))
        if weights.get(best, rest) > 0:
            return best
    return supported[0]
