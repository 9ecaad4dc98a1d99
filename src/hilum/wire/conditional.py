"""Validators and conditional requests (RFC 9110 8.8.3, 13).

A payload sent with a content coding is another representation and has a tag of its own (`with_coding`): that of
the bare payload with the coding at its end. Comparisons see through this suffix, so that a transaction need not
know how its answer will travel.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from hilum.wire.media_types import MAX_CHARACTERS

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_CODING: Final = re.compile(r"-(?:gzip|zstd|br)\Z")


@dataclass(frozen=True, slots=True)
class EntityTag:
    """An entity tag; `opaque` is what stands between the quotes."""

    opaque: str
    weak: bool = False

    def __str__(self) -> str:
        """Return the tag as a header writes it."""
        return f'W/"{self.opaque}"' if self.weak else f'"{self.opaque}"'


def etag_of(*parts: str) -> str:
    """Return a strong ETag over everything that the bytes of a representation depend on.

    Different lists of parts give different tags, also where their concatenations are equal.
    """
    digest = hashlib.blake2b(digest_size=16, person=b"etag")
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return f'"{digest.hexdigest()}"'


def with_coding(etag: str, coding: str) -> str:
    """Return the tag of the representation that `etag` names, sent with a content coding.

    >>> with_coding('"abc"', "gzip")
    '"abc-gzip"'
    """
    return f'{etag[:-1]}-{coding}"'


def parse_entity_tags(text: str) -> tuple[EntityTag, ...]:
    """Return the entity tags of an If-Match or If-None-Match header; `*` and what is no tag are passed over."""
    return tuple(EntityTag(found[2], bool(found[1])) for found in _TAG.finditer(text, 0, MAX_CHARACTERS))


def none_match(header: str | None, etag: str) -> bool:
    """Say whether If-None-Match names the current representation: 304 for GET and HEAD, 412 for other methods.

    Args:
        header: value of If-None-Match; None: absent.
        etag: current tag of the bare representation.

    Source: RFC 9110 13.1.2 (weak comparison).
    """
    return header is not None and (header.strip() == "*" or matching_tag(header, etag) is not None)


def matching_tag(header: str, etag: str) -> str | None:
    """Return the tag in `header` by which the user agent knows the current representation, as it is to be sent."""
    opaque = _bare(parse_entity_tags(etag)[0].opaque)
    for tag in parse_entity_tags(header):
        if _bare(tag.opaque) == opaque:
            return str(EntityTag(tag.opaque))
    return None


def fails_if_match(header: str | None, etag: str | None) -> bool:
    """Say whether If-Match forbids the transaction: 412.

    Args:
        header: value of If-Match; None: absent.
        etag: current tag of the target resource; None: it does not exist.

    Source: RFC 9110 13.1.1 (strong comparison).
    """
    if header is None:
        return False
    if header.strip() == "*" or etag is None:
        return etag is None
    current = parse_entity_tags(etag)[0]
    return current.weak or not any(not tag.weak and tag.opaque == current.opaque for tag in parse_entity_tags(header))


def range_applies(if_range: str | None, etag: str) -> bool:
    """Say whether a Range header counts: If-Range is absent or names the current representation.

    A date never does: this origin server gives none to compare with.

    Source: RFC 9110 13.1.5 (strong comparison).
    """
    if if_range is None:
        return True
    current = parse_entity_tags(etag)[0]
    return not current.weak and parse_entity_tags(if_range) == (current,)


def _bare(opaque: str) -> str:
    return _CODING.sub("", opaque)
