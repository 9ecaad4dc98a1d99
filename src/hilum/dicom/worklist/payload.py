"""Payloads of the Worklist Service: from the DICOM JSON Model as a user agent wrote it to checked attributes."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from hilum.dicom.dictionary import vr_of
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.uids import is_uid
from hilum.dicom.xml_reading import xml_to_json

Members = dict[str, Any]
"""One data set: attributes in the DICOM JSON Model by eight-digit upper-case tags, ascending."""

MAX_DEPTH: Final = 32
"""Deepest nesting of sequences in a workitem."""

_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_DATE: Final = re.compile(r"[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9](?:\.[0-9]{1,6})?|60)?)?")
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}(?:(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12][0-9]|3[01])(?:(?:[01][0-9]|2[0-3])"
    r"(?:[0-5][0-9](?:[0-5][0-9]|60)?)?(?:\.[0-9]{1,6})?)?)?)?(?:[+-][0-9]{4})?"
)
_CODE_STRING: Final = re.compile(r"[A-Z0-9_ ]{0,16}")
_SURROGATE: Final = re.compile("[\x00\ud800-\udfff]")

_TEXT_VRS: Final = frozenset({"AE", "AS", "AT", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})
_INTEGER_VRS: Final = frozenset({"SL", "SS", "SV", "UL", "US", "UV"})
_NUMBER_VRS: Final = frozenset({"DS", "FD", "FL", "IS"}) | _INTEGER_VRS
_BINARY_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_NAME_GROUPS: Final = frozenset({"Alphabetic", "Ideographic", "Phonetic"})


class PayloadError(ValueError):
    """A payload is no data set of a workitem; the message is one sentence to the user agent."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A data set, and whether parts of the request that no data set holds were left out."""

    members: Members
    has_dropped: bool = False


def parse_json(body: bytes) -> Payload:
    """Return the one data set of a JSON payload: an array of one, or a bare object (UPSX-02).

    Raises:
        PayloadError: it is no such thing, nests deeper than 32 levels, or a value does not fit its VR.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PayloadError("The payload is no JSON text.") from error
    if isinstance(parsed, list):
        if len(parsed) != 1:
            raise PayloadError("The payload must be an array of exactly one workitem.")
        parsed = parsed[0]
    return checked_payload(parsed)


def parse_xml(body: bytes) -> Payload:
    """Return the one data set of an XML payload, a document of the Native DICOM Model (UPSX-03).

    Raises:
        PayloadError: it is no such thing, nests deeper than 32 levels, or a value does not fit its VR.
    """
    try:
        data_set = xml_to_json(body, max_depth=MAX_DEPTH)
    except DecodeError as error:
        raise PayloadError("The payload is no document of the Native DICOM Model.") from error
    return checked_payload(data_set)


def checked_payload(data_set: object) -> Payload:
    """Return a data set of the DICOM JSON Model, checked, with tags in upper case and ascending order.

    Command elements (group 0000) are dropped: they belong to messages, not to data sets (UPS-15).

    Raises:
        PayloadError: it is none.
    """
    if not isinstance(data_set, dict):
        raise PayloadError("A workitem is a JSON object of attributes.")
    kept = {tag: element for tag, element in data_set.items() if not str(tag).startswith("0000")}
    return Payload(_data_set(kept, 0), has_dropped=len(kept) != len(data_set))


def _data_set(items: Mapping[Any, Any], depth: int) -> Members:
    if depth > MAX_DEPTH:
        raise PayloadError(f"Sequences nest deeper than {MAX_DEPTH} levels.")
    found: Members = {}
    for name, element in items.items():
        if not (isinstance(name, str) and _TAG.fullmatch(name)):
            raise PayloadError("The name of an attribute must be eight hexadecimal digits.")
        tag = name.upper()
        if tag in found:
            raise PayloadError(f"The attribute {tag} stands more than once.")
        if tag.startswith(("0002", "FFFE")) or tag.endswith("0000"):
            raise PayloadError(f"The element {tag} is no attribute of a workitem.")
        found[tag] = _element(tag, element, depth)
    return dict(sorted(found.items()))


def _element(tag: str, element: object, depth: int) -> dict[str, Any]:
    if not isinstance(element, dict) or not element.keys() <= {"vr", "Value", "InlineBinary"}:
        if isinstance(element, dict) and "BulkDataURI" in element:
            raise PayloadError(f"The attribute {tag} refers to bulk data, which workitems do not have.")
        raise PayloadError(f"The attribute {tag} must be an object of vr and Value or InlineBinary.")
    vr = _checked_vr(tag, element.get("vr"))
    if "InlineBinary" in element:
        return _binary_element(tag, vr, element)
    values = element.get("Value", [])
    if not isinstance(values, list):
        raise PayloadError(f"The Value of {tag} must be an array.")
    if vr == "SQ":
        return _sequence(tag, values, depth)
    check = _CHECKS.get(vr)
    if check is None or (tag[3] in "02468ACE" and vr in _BINARY_VRS and values):
        raise PayloadError(f"The attribute {tag} of {vr} holds InlineBinary.")
    for value in values:
        if value is not None and not check(value):
            raise PayloadError(f"A value of {tag} does not fit its value representation {vr}.")
    values = [None if value in ("", {}) else value for value in values]
    return {"vr": vr, "Value": values} if any(value is not None for value in values) else {"vr": vr}


def _checked_vr(tag: str, given: object) -> str:
    """Return the VR of an attribute: the dictionary's, where it says one, else the request's.

    Raises:
        PayloadError: the request's is none, or of another kind than the dictionary's.
    """
    known = vr_of(int(tag, 16), "")
    if given is None and known != "UN":
        return known.partition(" ")[0]
    if not isinstance(given, str) or (given not in _CHECKS and given not in _BINARY_VRS and given != "SQ"):
        raise PayloadError(f"The attribute {tag} must name its vr.")
    if known == "UN" or given in known.split(" or "):
        return given
    if not any(given in kind and known in kind for kind in (_TEXT_VRS, _NUMBER_VRS, _BINARY_VRS)):
        raise PayloadError(f"The attribute {tag} has the value representation {known}, not {given}.")
    return known


def _binary_element(tag: str, vr: str, element: Mapping[str, Any]) -> dict[str, Any]:
    text = element["InlineBinary"]
    if vr not in _BINARY_VRS or "Value" in element or not isinstance(text, str):
        raise PayloadError(f"The attribute {tag} must hold either Value or InlineBinary, as its vr says.")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PayloadError(f"The InlineBinary of {tag} is no base64 text.") from error
    return {"vr": vr, "InlineBinary": text} if text else {"vr": vr}


def _sequence(tag: str, values: Iterable[object], depth: int) -> dict[str, Any]:
    items = []
    for item in values:
        if item is not None and not isinstance(item, dict):
            raise PayloadError(f"The items of {tag} must be objects.")
        items.append(_data_set(item or {}, depth + 1))
    return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not _SURROGATE.search(value)


def _fits(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and (not value or pattern.fullmatch(value.strip(" ")) is not None)


def _at_most(length: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and len(value) <= length and _is_text(value)


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        try:
            return math.isfinite(float(value)) and len(value) <= 64
        except ValueError:
            return not value
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    if isinstance(value, str):
        return not value or re.fullmatch(r"[+-]?[0-9]{1,20}", value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _is_name(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= _NAME_GROUPS
        and all(_at_most(324)(group) and "=" not in group for group in value.values())
    )


_CHECKS: Final[Mapping[str, Callable[[object], bool]]] = {
    **dict.fromkeys(("LT", "ST", "UC", "UR", "UT"), _is_text),
    **dict.fromkeys(_INTEGER_VRS | {"IS"}, _is_integer),
    **dict.fromkeys(("DS", "FD", "FL"), _is_number),
    "AE": _at_most(16),
    "AS": _fits(re.compile(r"[0-9]{3}[DWMY]")),
    "AT": _fits(_TAG),
    "CS": _fits(_CODE_STRING),
    "DA": _fits(_DATE),
    "DT": _fits(_DATE_TIME),
    "LO": _at_most(64),
    "PN": _is_name,
    "SH": _at_most(16),
    "TM": _fits(_TIME),
    "UI": lambda value: isinstance(value, str) and (not value or is_uid(value)),
    **dict.fromkeys(_BINARY_VRS, lambda _value: False),
}
"""What a value of each VR is; '' counts as none."""
