"""VRs of attributes that the data set does not tell: Implicit VR, from the standard's and known private dictionaries.

Source: PS3.6, PS3.5 A.1 and 7.8; JSON-51, JSON-55.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydicom.datadict import dictionary_VR, private_dictionary_VR

PIXEL_REPRESENTATION: Final = 0x00280103
LUT_DESCRIPTOR: Final = 0x00283002
LUT_DATA: Final = 0x00283006

US_OR_SS: Final = "US or SS"
US_OR_OW: Final = "US or OW"


@lru_cache(maxsize=16384)
def vr_of(tag: int, private_creator: str) -> str:
    """Return the VR of an attribute, `UN` if unknown.

    Args:
        tag: group and element.
        private_creator: creator of its block, for an attribute of an odd group; '' if absent.

    Returns:
        A VR, or one of `US or SS`, `US or OW`, which other attributes of the data set decide.

    >>> vr_of(0x00080020, ""), vr_of(0x00280106, ""), vr_of(0x00290010, ""), vr_of(0x7FE00010, "")
    ('DA', 'US or SS', 'LO', 'OW')
    """
    if tag & 0xFFFF == 0:
        return "UL"
    if tag >> 16 & 1:
        return _private_vr(tag, private_creator)
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    return _UNAMBIGUOUS.get(vr, vr)


_UNAMBIGUOUS: Final = {"OB or OW": "OW", "US or SS or OW": "OW", "NONE": "UN"}
"""Implicit VR holds these in words (PS3.5 A.1)."""


def _private_vr(tag: int, private_creator: str) -> str:
    element = tag & 0xFFFF
    if 0x10 <= element <= 0xFF:
        return "LO"
    if element < 0x1000 or not private_creator:
        return "UN"
    try:
        vr = private_dictionary_VR(tag, private_creator)
    except KeyError:
        return "UN"
    return _UNAMBIGUOUS.get(vr, vr)


def creator_tag(tag: int) -> int:
    """Return the tag of the Private Creator of a private attribute's block (PS3.5 7.8.1).

    >>> f"{creator_tag(0x00291008):08X}"
    '00290010'
    """
    return tag & 0xFFFF0000 | tag >> 8 & 0xFF
