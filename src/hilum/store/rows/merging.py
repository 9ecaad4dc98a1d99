"""What instances say of their series and study, merged; and the rows that searches compare (PS3.18 10.6).

Everything here is a pure function over DICOM JSON Model objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from hilum.store.database import text
from hilum.store.database.names import words_of

Element = Mapping[str, Any]
"""One attribute of the DICOM JSON Model: `vr`, and `Value` unless empty."""

Members = Mapping[str, Element]
"""Attributes by their eight-digit tags."""

_TEXT_VRS: Final = frozenset({"AE", "AS", "AT", "CS", "LO", "LT", "SH", "ST", "UC", "UI", "UR", "UT"})
NUMBER_VRS: Final = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_MAX_ITEM: Final = 0xFFFF

WORDS: Final = "~"
"""Last component of the path under which the words of a person name stand beside the name."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A value that an earlier instance gave otherwise. JSON texts of the whole attribute."""

    tag: str
    kept: bytes
    offered: bytes


@dataclass(frozen=True, slots=True)
class Merged:
    """The attributes of a level after one more instance."""

    members: Members
    is_changed: bool
    contradictions: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One value that searches compare; see `tables.study_key`."""

    path: str
    item: str
    position: int
    value: str
    rest: str


def merge(known: Members, offered: Members) -> Merged:
    """Return `known` with its empty attributes filled from `offered`; what differs is named and changes nothing.

    >>> merge({"00100020": {"vr": "LO"}}, {"00100020": {"vr": "LO", "Value": ["A"]}}).members
    {'00100020': {'vr': 'LO', 'Value': ['A']}}
    """
    members = dict(known)
    contradictions = []
    is_changed = False
    for tag, element in offered.items():
        standing = members.get(tag)
        if standing == element:
            continue
        if standing is None or not has_value(standing):
            if standing is None or has_value(element):
                members[tag] = element
                is_changed = True
        elif has_value(element):
            contradictions.append(Contradiction(tag, orjson.dumps(standing), orjson.dumps(element)))
    if is_changed:
        members = dict(sorted(members.items()))
    return Merged(members, is_changed, tuple(contradictions))


def has_value(element: Element) -> bool:
    """Return whether the attribute is more than zero-length."""
    return any(value not in (None, "", {}) for value in element.get("Value", ())) or "InlineBinary" in element


def first_text(members: Members, tag: str) -> str:
    """Return the attribute's values as one text, a backslash between them; '' if there is none."""
    values = members.get(tag, {}).get("Value", ())
    return "\\".join("" if value is None else str(value) for value in values if not isinstance(value, dict))


def whole_number(members: Members, tag: str) -> int | None:
    """Return the attribute's one value if it is an integer of at most 15 digits."""
    values = members.get(tag, {}).get("Value", ())
    if len(values) != 1:
        return None
    value = values[0]
    if isinstance(value, str):
        digits = text.number_key(value)
        value = int(digits) if digits.removeprefix("-").isdecimal() and len(digits) <= 15 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and abs(value) < 10**15 else None


def key_rows(members: Members) -> Iterator[KeyRow]:
    """Yield what searches compare of these attributes, those inside sequences with their items."""
    return _rows(members, "", "")


def _rows(members: Members, prefix: str, item: str) -> Iterator[KeyRow]:
    for tag, element in members.items():
        path = prefix + tag
        if element.get("vr") == "SQ":
            for ordinal, nested in enumerate(element.get("Value", ())[: _MAX_ITEM + 1]):
                if nested:
                    yield from _rows(nested, f"{path}.", f"{item}{ordinal:04X}")
            continue
        for position, value in enumerate(keys_of(element)):
            yield KeyRow(path, item, position, value[: text.KEY_LENGTH], value[text.KEY_LENGTH :])
        if element.get("vr") == "PN":
            words = dict.fromkeys(word for name in keys_of(element) for word in words_of(name))
            for position, word in enumerate(words):
                yield KeyRow(f"{path}.{WORDS}", item, position, word[: text.KEY_LENGTH], "")


def keys_of(element: Element) -> Iterator[str]:
    """Yield the attribute's values as searches compare them; a person name has one for each component group."""
    vr = element.get("vr")
    for value in element.get("Value", ()):
        if value is None:
            continue
        if vr == "PN":
            yield from (text.name_key(group) for group in value.values())
        elif (form := _FORMS.get(vr or "")) is not None:
            yield form(str(value))


_FORMS: Final = {
    **dict.fromkeys(_TEXT_VRS, text.key),
    **dict.fromkeys(NUMBER_VRS, text.number_key),
    "DA": text.date_key,
    "TM": text.time_key,
    "DT": text.date_time_key,
}
