"""VRs of elements that do not carry one: Implicit VR Little Endian (PS3.5 annex A.1, PS3.6)."""

from __future__ import annotations

from typing import Final

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR, private_dictionary_VR

_vrs: dict[int, bytes] = {}
_private_vrs: dict[tuple[int, str], bytes] = {}
_MOST_KEPT: Final = 65536

# VRs that depend on Pixel Representation, and those that the standard leaves between OB, OW and US.
_SIGN_DEPENDENT: Final = "US or SS"
_CHOICES: Final = {"OB or OW": b"OW", "US or OW": b"OW", "US or SS or OW": b"OW", _SIGN_DEPENDENT: b""}


def implicit_vr(tag: int, creator: str | None, pixel_representation: int) -> bytes:
    """Return the VR of an element of an Implicit VR data set; UN where no dictionary knows it (JSON-51).

    Args:
        tag: group and element as one number.
        creator: Private Creator of its block, None for standard elements and where there is none.
        pixel_representation: 1 makes SS of what depends on the sign of pixels (JSON-55).
    """
    vr = _vrs.get(tag)
    if vr is None:
        vr = _private(tag, creator) if tag >> 16 & 1 else _standard(tag)
    if vr == b"":
        return b"SS" if pixel_representation else b"US"
    return vr


def _standard(tag: int) -> bytes:
    if tag & 0xFFFF == 0:
        return b"UL"
    try:
        name = DicomDictionary[tag][0] if tag in DicomDictionary else dictionary_VR(tag)
    except KeyError:
        return b"UN"
    vr = _CHOICES.get(name, name.encode())
    if len(_vrs) < _MOST_KEPT:
        _vrs[tag] = vr
    return vr


def _private(tag: int, creator: str | None) -> bytes:
    element = tag & 0xFFFF
    if element == 0:
        return b"UL"
    if 0x10 <= element <= 0xFF:
        return b"LO"
    if creator is None:
        return b"UN"
    found = _private_vrs.get((tag, creator))
    if found is None:
        try:
            name = private_dictionary_VR(tag, creator)
        except KeyError:
            name = "UN"
        found = _CHOICES.get(name, name.encode()) if len(name) == 2 or name in _CHOICES else b"UN"
        if len(_private_vrs) < _MOST_KEPT:
            _private_vrs[tag, creator] = found
    return found
