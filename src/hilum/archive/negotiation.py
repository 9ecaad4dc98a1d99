"""From what can be produced to the Selected Media Type, or to the failure that says what there is (PS3.18 8.7.8).

Every service asks here: it lists its offers as rows, the default of the resource category first.
"""

from __future__ import annotations

from collections.abc import Iterable

from hilum.errors import InvalidRequest, NotAcceptable
from hilum.wire.selection import Acceptable, Offer, select


def preferred_offer(offers: tuple[Offer, ...], acceptable: Acceptable) -> Offer | None:
    """Return the offer that the user agent likes best, None if it takes none of them.

    Raises:
        InvalidRequest: the `accept` parameter has a wildcard, or names what the Accept header does not cover.
    """
    try:
        return select(offers, acceptable)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def selected_offer(offers: tuple[Offer, ...], acceptable: Acceptable) -> Offer:
    """Return the offer that the user agent likes best.

    Raises:
        InvalidRequest: as `preferred_offer`.
        NotAcceptable: it takes none of them; the message lists them (NEG-20).
    """
    offer = preferred_offer(offers, acceptable)
    if offer is None:
        raise not_acceptable(offers)
    return offer


def not_acceptable(offers: Iterable[Offer]) -> NotAcceptable:
    """Return the failure of a target resource that can be had in other forms: it names each once (NEG-20)."""
    return NotAcceptable(f"Available: {', '.join(dict.fromkeys(map(str, offers)))}.")
