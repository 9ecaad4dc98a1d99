"""DICOM JSON as user agents send it, read leniently and exactly: the model with tags, VRs and lists in place.

Lenient: lower-case tags, keywords, a VR left out where the dictionary knows it, a bare value in place of a list, text
in place of numbers and the other way round. Exact: numbers keep their digits, names stand once in an object.

Source: PS3.18 F.2 (JSON-03 to JSON-36), RFC 8259.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from pydicom.datadict import tag_for_keyword

from hilum.dicom.dictionary import PIXEL_REPRESENTATION, US_OR_OW, US_OR_SS, creator_tag, vr_of
from hilum.dicom.json import BINARY_VRS, ENCODERS, TEXT_BULK_VRS
from hilum.dicom.reading.instance import DecodeError

MAX_DEPTH: Final = 64
"""Deepest nesting of sequences."""

_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_CONTENT: Final = ("Value", "BulkDataURI", "InlineBinary")
_INLINE_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_BULK_VRS: Final = BINARY_VRS | TEXT_BULK_VRS
_VRS: Final = frozenset(ENCODERS) | {"SQ"}
_TRAILING_PADDING: Final = 0xFFFCFFFC

DataSet = dict[int, dict[str, Any]]
"""Tags to attributes `{"vr": ..., "Value" | "BulkDataURI" | "InlineBinary": ...}`, ascending; items are data sets."""


class NumberText(str):
    """A number of a JSON text, with the digits in which it was written."""

    __slots__ = ()


def parse_objects(text: bytes) -> list[dict[str, Any]]:
    """Return the objects of a JSON text: those of its array, or the only one.

    Raises:
        DecodeError: it is no JSON, holds something else, names a member twice, or is nested too deeply.
    """
    try:
        value = json.loads(
            text.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_float=NumberText,
            parse_int=NumberText,
            parse_constant=NumberText,
        )
    except RecursionError as error:
        raise DecodeError("The JSON text is nested deeper than this server reads.") from error
    except DecodeError:
        raise
    except ValueError as error:
        raise DecodeError("The text is no JSON in UTF-8.") from error
    objects = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in objects):
        raise DecodeError("The JSON text is no array of data sets.")
    return objects


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DecodeError("A JSON object has two members of the same name.")
    return members


def read_model(members: Mapping[str, Any], *, max_depth: int = MAX_DEPTH) -> DataSet:
    """Return a data set in its exact form. Group lengths, group 0000 and trailing padding are left out.

    Group 0002 is kept for whoever asks for a transfer syntax; the writer of data sets leaves it out.

    Raises:
        DecodeError: an attribute is none, or has content that its VR cannot have.
    """
    return _data_set(members, max_depth, None)


def _data_set(members: Mapping[str, Any], depth: int, pixel_representation: int | None) -> DataSet:
    named: dict[int, Any] = {}
    for name, attribute in members.items():
        tag = _tag(name)
        if tag in named:
            raise DecodeError("A data set has an attribute twice.", tag=tag)
        if tag & 0xFFFF and tag >> 16 and tag != _TRAILING_PADDING:
            named[tag] = attribute
    own = _first_integer(named.get(PIXEL_REPRESENTATION))
    signed = own if own is not None else pixel_representation
    return {tag: _attribute(tag, named[tag], named, depth, signed) for tag in sorted(named)}


def _tag(name: str) -> int:
    if _TAG.fullmatch(name):
        return int(name, 16)
    tag = tag_for_keyword(name)
    if tag is None:
        raise DecodeError("A data set has a member that is neither a tag nor a keyword.")
    return tag


def _first_integer(attribute: object) -> int | None:
    value = attribute.get("Value") if isinstance(attribute, dict) else attribute
    first = value[0] if isinstance(value, list) and value else value
    return int(first) if isinstance(first, str | int) and str(first).strip() in ("0", "1") else None


def _attribute(
    tag: int, sent: object, named: Mapping[int, Any], depth: int, pixel_representation: int | None
) -> dict[str, Any]:
    members = sent if isinstance(sent, dict) else {"Value": sent}
    kinds = [kind for kind in _CONTENT if members.get(kind) is not None]
    if len(kinds) > 1 or not members.keys() <= {"vr", "VR", *_CONTENT}:
        _refuse(tag, "has members that exclude each other or are unknown")
    vr = members.get("vr", members.get("VR"))
    if not vr or (isinstance(vr, str) and " or " in vr):
        # Some writers send the dictionary's "OB or OW".
        vr = _known_vr(tag, named, kinds, pixel_representation)
    if not isinstance(vr, str) or vr not in _VRS:
        _refuse(tag, "has no VR, or one that is none")
    if not kinds:
        return {"vr": vr}
    kind, content = kinds[0], members[kinds[0]]
    if kind == "Value":
        return _values(tag, vr, content, depth, pixel_representation)
    if kind == "InlineBinary" and isinstance(content, list) and len(content) == 1:
        content = content[0]
    allowed = _INLINE_VRS if kind == "InlineBinary" else _BULK_VRS
    if vr not in allowed or not isinstance(content, str):
        _refuse(tag, f"has a VR that has no {kind}, or one that is no text")
    return {"vr": vr, kind: content} if content else {"vr": vr}


def _known_vr(tag: int, named: Mapping[int, Any], kinds: list[str], pixel_representation: int | None) -> str:
    """Return the VR of the dictionary; '' if it has none."""
    creator = ""
    if tag >> 16 & 1:
        reserved = named.get(creator_tag(tag))
        value = reserved.get("Value") if isinstance(reserved, dict) else reserved
        first = value[0] if isinstance(value, list) and value else value
        creator = first if isinstance(first, str) else ""
    vr = vr_of(tag, creator)
    if vr == US_OR_SS:
        return "SS" if pixel_representation else "US"
    if vr == US_OR_OW:
        return "US" if kinds == ["Value"] else "OW"
    return vr if vr != "UN" or kinds == ["InlineBinary"] else ""


def _values(tag: int, vr: str, content: Any, depth: int, pixel_representation: int | None) -> dict[str, Any]:  # noqa: ANN401 - of any type
    values = content if isinstance(content, list) else [content]
    if vr == "SQ":
        if depth < 1:
            _refuse(tag, "is nested deeper than this server reads")
        sent = [{} if item is None else item for item in values]
        if not all(isinstance(item, dict) for item in sent):
            _refuse(tag, "has items that are no data sets")
        items = [_data_set(item, depth - 1, pixel_representation) for item in sent]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if vr in _INLINE_VRS:
        if any(values):
            _refuse(tag, "has a Value in place of InlineBinary")
        return {"vr": vr}
    read = [_name(tag, value) if vr == "PN" else _plain(tag, value) for value in values]
    return {"vr": vr, "Value": read} if any(value is not None for value in read) else {"vr": vr}


def _plain(tag: int, value: object) -> str | int | float | None:
    """Return one value; '' is an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        _refuse(tag, "has a value of a type that no attribute has")
    return value


def _name(tag: int, value: object) -> dict[str, str] | None:
    """Return a person name by its groups; text has its groups between equals signs."""
    groups = ("Alphabetic", "Ideographic", "Phonetic")
    if isinstance(value, str):
        value = dict(zip(groups, value.split("=", 2), strict=False))
    if value is None:
        return None
    if not isinstance(value, dict) or not value.keys() <= set(groups):
        _refuse(tag, "has a name whose groups are unknown")
    if not all(text is None or isinstance(text, str) for text in value.values()):
        _refuse(tag, "has a name whose groups are no text")
    return {group: value[group] for group in groups if value.get(group)} or None


def _refuse(tag: int, reason: str) -> NoReturn:
    raise DecodeError(f"The attribute {tag:08X} {reason}.", tag=tag)
