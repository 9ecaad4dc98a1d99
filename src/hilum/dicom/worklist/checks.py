"""The table of requirements applied: what a request may say, and what a final state needs (PS3.4 CC.2.5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hilum.dicom.dictionary import vr_of
from hilum.dicom.levels import tag_of
from hilum.dicom.searching.attribute_paths import name_of
from hilum.dicom.worklist.payload import Members, PayloadError
from hilum.dicom.worklist.requirements import BY_PARENT, CODE_SEQUENCES, ENUMERATED, FinalNeed, Need
from hilum.dicom.worklist.states import State

TRANSACTION_UID: Final = tag_of("TransactionUID")
STATE: Final = tag_of("ProcedureStepState")
PROGRESS: Final = tag_of("ProcedureStepProgressInformationSequence")
PERFORMED: Final = tag_of("UnifiedProcedureStepPerformedProcedureSequence")
CANCELLATION_TIME: Final = tag_of("ProcedureStepCancellationDateTime")
REASON_CODES: Final = tag_of("ProcedureStepDiscontinuationReasonCodeSequence")

_CODE_VALUES: Final = tuple(tag_of(keyword) for keyword in ("CodeValue", "LongCodeValue", "URNCodeValue"))
_CODE_VALUE: Final = tag_of("CodeValue")
_SCHEME: Final = tag_of("CodingSchemeDesignator")
_MEANING: Final = tag_of("CodeMeaning")


@dataclass(frozen=True, slots=True)
class Checked:
    """A data set that meets the table; `added` names attributes that were missing and stand there empty now."""

    members: Members
    added: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    """Attributes of the server's own that the request tried to say."""


def text_of(members: Mapping[str, Any], tag: str) -> str:
    """Return the first value of an attribute as text without padding, '' if there is none."""
    values = members.get(tag, {}).get("Value") or [None]
    return "" if values[0] is None or isinstance(values[0], dict) else str(values[0]).strip(" ")


def has_value(members: Mapping[str, Any], tag: str) -> bool:
    """Return whether an attribute is there with a value."""
    element = members.get(tag, {})
    return bool(element.get("Value")) or "InlineBinary" in element


def items_of(members: Mapping[str, Any], tag: str) -> Sequence[Members]:
    """Return the items of a sequence."""
    items: Sequence[Members] = members.get(tag, {}).get("Value", ())
    return items


def check_creation(members: Members) -> Checked:
    """Return the attributes of a new workitem, those of type 2 that are missing added empty (UPS-19).

    Raises:
        PayloadError: an attribute is missing, forbidden, or has a wrong value (UPS-16, UPS-18).
    """
    checked = _check(members, (), "create")
    _check_values(checked.members)
    return checked


def check_update(members: Members) -> Checked:
    """Return the attributes of an update without the server's own.

    Raises:
        PayloadError: an attribute may not be updated, or has a wrong value (UPS-46).
    """
    checked = _check(members, (), "update")
    _check_values(checked.members)
    return checked


def _check(members: Members, parent: tuple[str, ...], column: str) -> Checked:
    found = dict(members)
    added: list[str] = []
    ignored: list[str] = []
    for tag, row in BY_PARENT.get(parent, ()):
        need: Need = getattr(row, column)
        path = (*parent, tag)
        _check_need(found, path, need)
        if tag not in found and need in {Need.PRESENT, Need.EMPTY}:
            found[tag] = {"vr": vr_of(int(tag, 16), "")}
            if need is Need.PRESENT:
                added.append(name_of(path))
        if need is Need.SERVER and found.pop(tag, None) is not None:
            ignored.append(name_of(path))
        if path in BY_PARENT and tag in found and (items := items_of(found, tag)):
            below = [_check(item, path, column) for item in items]
            found[tag] = {"vr": "SQ", "Value": [item.members for item in below]}
            added += [name for item in below for name in item.added]
    return Checked(dict(sorted(found.items())), tuple(added), tuple(ignored))


def _check_need(members: Members, path: tuple[str, ...], need: Need) -> None:
    tag = path[-1]
    match need:
        case Need.VALUE if not has_value(members, tag):
            raise PayloadError(f"The attribute {name_of(path)} must have a value.")
        case Need.VALUE_IF_ANY if tag in members and not has_value(members, tag):
            raise PayloadError(f"The attribute {name_of(path)}, if it is present, must have a value.")
        case Need.FORBIDDEN if tag in members:
            raise PayloadError(f"The attribute {name_of(path)} is not allowed in this request.")
        case Need.EMPTY if has_value(members, tag):
            raise PayloadError(f"The attribute {name_of(path)} must be empty when a workitem is created.")
        case _:
            return


def _check_values(members: Members) -> None:
    for tag, allowed in ENUMERATED.items():
        if tag in members and text_of(members, tag) not in allowed:
            raise PayloadError(f"The value of {name_of((tag,))} must be one of {', '.join(sorted(allowed))}.")
    _check_codes(members)


def _check_codes(members: Members) -> None:
    """Check that every item of a code sequence is a code with a meaning (UPSA-93)."""
    for tag, element in members.items():
        if element["vr"] != "SQ":
            continue
        for item in element.get("Value", ()):
            if tag in CODE_SEQUENCES:
                check_code(tag, item)
            _check_codes(item)


def check_code(tag: str, item: Members) -> None:
    """Check one item of a code sequence.

    Raises:
        PayloadError: it has no code, no scheme beside a Code Value, or no meaning.
    """
    if not any(has_value(item, code) for code in _CODE_VALUES):
        raise PayloadError(f"An item of {name_of((tag,))} has no code value.")
    if has_value(item, _CODE_VALUE) and not has_value(item, _SCHEME):
        raise PayloadError(f"An item of {name_of((tag,))} has no Coding Scheme Designator.")
    if not has_value(item, _MEANING):
        raise PayloadError(f"An item of {name_of((tag,))} has no Code Meaning.")


_FINAL_CODES: Final[Mapping[State, frozenset[FinalNeed]]] = {
    State.COMPLETED: frozenset({FinalNeed.BOTH, FinalNeed.COMPLETED, FinalNeed.PRESENT_COMPLETED}),
    State.CANCELED: frozenset({FinalNeed.BOTH, FinalNeed.CANCELED}),
}


def missing_for(state: State, members: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the attributes that a final state needs and that have no value (UPSA-90, UPSA-91).

    What a server cannot know, such as whether a performer is known, is not asked for (UPSA-92).
    """
    return tuple(name_of(path) for path in _missing((), (members,), _FINAL_CODES[state]))


def _missing(
    parent: tuple[str, ...], items: Sequence[Mapping[str, Any]], codes: frozenset[FinalNeed]
) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for tag, row in BY_PARENT.get(parent, ()):
        path = (*parent, tag)
        if row.final in codes and not (items and all(_is_there(item, tag, row.final) for item in items)):
            found.append(path)
        if path in BY_PARENT:
            found += _missing(path, [below for item in items for below in items_of(item, tag)], codes)
    return found


def _is_there(item: Mapping[str, Any], tag: str, code: FinalNeed) -> bool:
    return tag in item if code is FinalNeed.PRESENT_COMPLETED else has_value(item, tag)
