"""What stands in the place of identifying values: the same for the same input, and meaningless without the key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

_REGISTERED: Final = "1.2.840.10008."
_UUID_ROOT: Final = "2.25."
_ID_DIGITS: Final = 12

DUMMIES: Final[Mapping[str, str | int | float | bytes]] = {
    "PN": "ANONYMIZED",
    "AE": "ANON",
    "CS": "ANON",
    "LO": "ANON",
    "LT": "ANON",
    "SH": "ANON",
    "ST": "ANON",
    "UC": "ANON",
    "UT": "ANON",
    "UR": "urn:anon",
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "AS": "000Y",
    "DS": "0",
    "IS": "0",
    "US": 0,
    "UL": 0,
    "UV": 0,
    "SS": 0,
    "SL": 0,
    "SV": 0,
    "FL": 0.0,
    "FD": 0.0,
    "OB": b"\0\0",
    "OW": b"\0\0",
    "OF": b"\0\0\0\0",
    "OD": b"\0" * 8,
    "OL": b"\0\0\0\0",
    "OV": b"\0" * 8,
    "UN": b"\0\0",
    "AT": 0,
}
"""A value of the right form for each VR that has values of its own."""


def replacement_uid(uid: str, key: bytes) -> str:
    """Return the UID in whose place `uid` stands no more; registered ones stay.

    Args:
        uid: as it stands in the object.
        key: of this origin server; without it nobody can tell which UID was meant.

    >>> replacement_uid("1.2.840.10008.1.2.1", b"key")
    '1.2.840.10008.1.2.1'
    >>> replacement_uid("1.2.3", b"key") == replacement_uid("1.2.3", b"key") != replacement_uid("1.2.3", b"other")
    True
    """
    if uid.startswith(_REGISTERED):
        return uid
    return _UUID_ROOT + str(int.from_bytes(_digest(b"uid", uid, key)[:16], "big"))


def replacement_id(identifier: str, key: bytes) -> str:
    """Return a short pseudonym: objects of one patient stay together.

    >>> len(replacement_id("4711", b"key"))
    12
    """
    return _digest(b"id", identifier, key).hex()[:_ID_DIGITS].upper()


def _digest(purpose: bytes, text: str, key: bytes) -> bytes:
    message = purpose + b"\0" + text.strip("\0 ").encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).digest()
