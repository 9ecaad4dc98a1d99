"""How records of an instance are packed into columns: frames, wire form and attributes of its own."""

from __future__ import annotations

import struct
from typing import Final

import orjson

from hilum.dicom.reading.instance import EncapsulatedFrames, Frames, NativeFrames, WireForm
from hilum.store.rows.answers import JOINT, member
from hilum.store.rows.columns import INSTANCE_NUMBERS
from hilum.store.rows.merging import Members, whole_number

_NATIVE: Final = struct.Struct("<cQQQ")
_ENCAPSULATED: Final = struct.Struct("<cQ")
_TIMEZONE: Final = "00080201"
_VRS: Final = {"00200013": "IS", "00280008": "IS", "00280010": "US", "00280011": "US", "00280100": "US"}


def packed_frames(frames: Frames | None) -> bytes | None:
    """Return the frame table as bytes: a letter for its kind, then its numbers, then its records."""
    if frames is None:
        return None
    if isinstance(frames, NativeFrames):
        return _NATIVE.pack(b"n", frames.offset, frames.frame_bits, frames.count)
    return _ENCAPSULATED.pack(b"e", frames.count) + frames.records


def unpacked_frames(packed: bytes | None) -> Frames | None:
    """Return what `packed_frames` packed."""
    if packed is None:
        return None
    if packed[:1] == b"n":
        _, offset, frame_bits, count = _NATIVE.unpack(packed)
        return NativeFrames(offset, frame_bits, count)
    _, count = _ENCAPSULATED.unpack_from(packed)
    return EncapsulatedFrames(packed[_ENCAPSULATED.size :], count)


def packed_wire_form(form: WireForm | None) -> str:
    """Return the wire form as five numbers, '' where the object travels as stored."""
    if form is None:
        return ""
    numbers = (form.prefix_length, form.middle_offset, form.middle_length, form.word_size, form.suffix_length)
    return " ".join(map(str, numbers))


def unpacked_wire_form(packed: str) -> WireForm | None:
    """Return what `packed_wire_form` packed."""
    return WireForm(*map(int, packed.split())) if packed else None


def instance_columns(attributes: bytes) -> dict[str, int | str]:
    """Return the values of the instance's columns that come from its attributes.

    `extra` gets the members of search results that the numbers in the columns would not give back as they are.

    Args:
        attributes: JSON object text.
    """
    members: Members = orjson.loads(attributes)
    columns: dict[str, int | str] = {}
    extra = [member(_TIMEZONE, members[_TIMEZONE])] if _TIMEZONE in members else []
    for tag, (column, unknown) in INSTANCE_NUMBERS.items():
        element = members.get(tag)
        number = None if element is None else whole_number(members, tag)
        columns[column] = unknown if number is None else number
        if element is not None and element != {"vr": _VRS[tag], "Value": [number]} and "Value" in element:
            extra.append(member(tag, element))
    columns["extra"] = JOINT.join(extra)
    return columns
