"""Heads of objects that are made here: preamble, prefix and File Meta Information.

Source: PS3.10 7.1.
"""

from __future__ import annotations

import struct
from typing import Final

from hilum.dicom.building.data_set import element_header
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.uids import is_uid

IMPLEMENTATION_CLASS_UID: Final = "2.25.214403190352173285374932094537651347265"
_IMPLEMENTATION_VERSION_NAME: Final = b"HILUM "
_UID_TAGS: Final = (0x00020002, 0x00020003, 0x00020010, 0x00020012)


def make_head(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return what stands before the data set of an object.

    Raises:
        DecodeError: one of the three is no UID.
    """
    uids = (sop_class_uid, sop_instance_uid, transfer_syntax_uid, IMPLEMENTATION_CLASS_UID)
    if not all(map(is_uid, uids)):
        raise DecodeError("The SOP Class UID, SOP Instance UID or transfer syntax is missing or no UID.")
    elements = [
        (0x00020001, "OB", b"\0\1"),
        *((tag, "UI", _padded(uid)) for tag, uid in zip(_UID_TAGS, uids, strict=True)),
        (0x00020013, "SH", _IMPLEMENTATION_VERSION_NAME),
    ]
    body = b"".join(element_header(tag, vr, len(value)) + value for tag, vr, value in elements)
    return b"".join((bytes(128), b"DICM", element_header(0x00020000, "UL", 4), struct.pack("<I", len(body)), body))


def _padded(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)
