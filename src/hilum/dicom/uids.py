"""Unique identifiers as text (PS3.5 9)."""

from __future__ import annotations

import re
from typing import Final

MAX_UID_LENGTH: Final = 64
"""Longest UID, in characters."""

_COMPONENTS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def is_uid(text: str) -> bool:
    """Return whether `text` is a UID: 1 to 64 ASCII digits and dots, no component empty.

    Leading zeros of a component are let through: real objects have them, and refusing those would hide them.

    Source: PS3.5 9.1.

    >>> is_uid("1.2.840.10008.1.2.1"), is_uid("1..2"), is_uid("1.2.")
    (True, False, False)
    """
    return len(text) <= MAX_UID_LENGTH and _COMPONENTS.fullmatch(text) is not None
