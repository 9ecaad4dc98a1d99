"""What a matching key demands of an attribute's value, and how requests write it (PS3.4 C.2.2.2, SRCH-04)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hilum.dicom.searching.attribute_paths import QueryError
from hilum.dicom.searching.date_times import date_interval, date_time_interval, time_interval
from hilum.dicom.uids import is_uid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class SingleValue:
    """Equal to one value; text as decoded, not folded; an integer is in its shortest form."""

    value: str


@dataclass(frozen=True, slots=True)
class UidList:
    """Equal to any of these UIDs."""

    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` stands for any run of characters, `?` for one."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Range:
    """Inclusive range of a DA, TM or DT; '' leaves an end open. Partial TM and DT are widened already.

    Ends of a DA are `YYYYMMDD`, of a TM `HHMMSS.FFFFFF`, of a DT `YYYYMMDDHHMMSS.FFFFFF`. Every condition on
    a TM or DT is a range: `1030` is the minute.
    """

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class DateTimeRange:
    """One range over a date attribute and its time attribute (SRCH-09); '' leaves an end open.

    `first` and `last` are `YYYYMMDD` followed by `HHMMSS.FFFFFF`.
    """

    time_path: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class ZonedRange:
    """A `DateTimeRange` in a time zone (SRCH-10); values are in the zone of their own object, if that is known.

    A date without a time is no moment, so such a value is compared with the days of the range as they stand.
    """

    time_path: tuple[str, ...]
    first: str
    last: str
    offset_minutes: int
    """East of UTC."""


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """A person name whose words are close to those of `value`, which may hold wildcards (SRCH-24)."""

    value: str


@dataclass(frozen=True, slots=True)
class Empty:
    """Absent or zero-length (SRCH-32)."""


Alternative = SingleValue | Wildcard | Range | Fuzzy


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several conditions on the same attribute, at least two (SRCH-35)."""

    alternatives: tuple[Alternative, ...]


Condition = SingleValue | UidList | Wildcard | Range | DateTimeRange | ZonedRange | Fuzzy | Empty | AnyOf
"""What a matching key demands; None in its place is universal matching."""

INTERVAL_VRS: Final = frozenset({"DA", "DT", "TM"})
"""VRs whose values may be ranges."""

WILDCARD_VRS: Final = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""VRs whose values may hold wildcards (SRCH-06)."""

SINGLE_TEXT_VRS: Final = frozenset({"LT", "ST", "UR", "UT"})
"""VRs of one value, in which a backslash is an ordinary character (PS3.5 6.2)."""

_INTEGERS: Final[Mapping[str, range]] = {
    "IS": range(-(2**31), 2**31),
    "SL": range(-(2**31), 2**31),
    "SS": range(-(2**15), 2**15),
    "SV": range(-(2**63), 2**63),
    "UL": range(2**32),
    "US": range(2**16),
    "UV": range(2**64),
    "US or SS": range(-(2**15), 2**16),
}
_REALS: Final = frozenset({"DS", "FD", "FL"})

MATCHED_VRS: Final = WILDCARD_VRS | INTERVAL_VRS | _INTEGERS.keys() | _REALS | {"AS", "AT", "UI", "UN"}
"""VRs whose values can be matched; the others are sequences and bulk data."""

_MAX_CHARACTERS: Final[Mapping[str, int]] = {
    "AE": 16,
    "AS": 4,
    "CS": 16,
    "DS": 16,
    "IS": 12,
    "LO": 64,
    "LT": 10240,
    "SH": 16,
    "ST": 1024,
}
"""Longest value of a VR, in characters (PS3.5 6.2); each component group of a PN has 64."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_REAL: Final = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_AGE: Final = re.compile(r"[0-9]{3}[DWMY]")
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def value_condition(name: str, vr: str, text: str) -> SingleValue | Wildcard | Range | None:
    """Return what `text` demands of an attribute; None where it matches everything (empty, or `*` alone).

    Args:
        name: the attribute's name, for messages.
        vr: one of `MATCHED_VRS` but UI.
        text: one decoded value.

    Raises:
        QueryError: the value does not fit the VR (QP-08).

    >>> value_condition("StudyDate", "DA", "20130509-20130510")
    Range(first='20130509', last='20130510')
    """
    # Leading spaces are significant in text of one value (PS3.5 6.2).
    value = text.rstrip(" ") if vr in SINGLE_TEXT_VRS else text.strip(" ")
    if not value.strip("*"):
        return None
    if (_CONTROL_IN_TEXT if vr in SINGLE_TEXT_VRS else _CONTROL).search(value):
        raise QueryError(f"The value of {name} has a control character.")
    if vr in INTERVAL_VRS:
        return _interval_condition(name, vr, value)
    _check_length(name, vr, value)
    if vr in WILDCARD_VRS:
        return Wildcard(value) if "*" in value or "?" in value else SingleValue(value)
    return SingleValue(_checked(name, vr, value))


EMPTY_VALUE: Final = '""'
"""How a request writes the value of Empty Value Matching (PS3.4 C.2.2.2.7)."""


def any_condition(name: str, vr: str, values: Sequence[str]) -> AnyOf | SingleValue | Wildcard | Range | None:
    r"""Return what a list of values demands under Multiple Value Matching; None where one matches everything.

    Args:
        name: the attribute's name, for messages.
        vr: one of `MATCHED_VRS` but UI.
        values: decoded values; a backslash in one separates values too where the VR has several.

    Raises:
        QueryError: a value does not fit the VR, or is the empty one.

    >>> any_condition("Modality", "CS", ["CT", r"MR\CT"]).alternatives
    (SingleValue(value='CT'), SingleValue(value='MR'))
    """
    texts = values if vr in SINGLE_TEXT_VRS else [text for value in values for text in value.split("\\")]
    if EMPTY_VALUE in texts:
        raise QueryError(f"The empty value cannot be one of several values of {name}.")
    # A list that ends in a separator has no further value there.
    found = dict.fromkeys(value_condition(name, vr, text) for text in texts if text.strip(" "))
    alternatives = tuple(one for one in found if one is not None)
    if len(alternatives) < len(found) or not alternatives:
        return None
    return alternatives[0] if len(alternatives) == 1 else AnyOf(alternatives)


def uid_condition(name: str, values: Sequence[str]) -> Condition | None:
    r"""Return the UIDs of which an attribute has one; None where there is none, or `*` alone.

    Args:
        name: the attribute's name, for messages.
        values: decoded values; a comma or a backslash in one separates UIDs too (SRCH-02).

    Raises:
        QueryError: a value is no UID.

    >>> uid_condition("StudyInstanceUID", ["1.2", r"1.3\1.2"])
    UidList(uids=('1.2', '1.3'))
    """
    uids = tuple(dict.fromkeys(uid for value in values for uid in re.split(r"[,\\ ]+", value) if uid))
    if not uids or uids == ("*",):
        return None
    if not all(is_uid(uid) for uid in uids):
        raise QueryError(f"A value of {name} is no UID.")
    return SingleValue(uids[0]) if len(uids) == 1 else UidList(uids)


_INTERVALS: Final[Mapping[str, tuple[Callable[[str], tuple[str, str]], str]]] = {
    "DA": (date_interval, "date (YYYYMMDD) or range of dates"),
    "DT": (date_time_interval, "date and time (YYYYMMDDHHMMSS.FFFFFF) or range of them"),
    "TM": (time_interval, "time (HHMMSS.FFFFFF) or range of times"),
}


def _interval_condition(name: str, vr: str, value: str) -> SingleValue | Range:
    interval, expected = _INTERVALS[vr]
    try:
        first, last = interval(value)
    except ValueError as error:
        raise QueryError(f"The value of {name} is no {expected}.") from error
    return SingleValue(first) if vr == "DA" and "-" not in value else Range(first, last)


def _check_length(name: str, vr: str, value: str) -> None:
    # A wildcard `*` may stand for nothing, so it counts for nothing.
    counted = value.replace("*", "") if vr in WILDCARD_VRS else value
    if vr == "PN":
        groups = counted.split("=")
        too_long = len(groups) > 3 or any(len(group) > 64 for group in groups)
    else:
        too_long = len(counted) > _MAX_CHARACTERS.get(vr, len(counted))
    if too_long:
        raise QueryError(f"The value of {name} is longer than its value representation {vr} allows.")


def _checked(name: str, vr: str, value: str) -> str:
    """Return a value of a VR without wildcards in the form that `SingleValue` has."""
    if vr in _INTEGERS:
        if _INTEGER.fullmatch(value) and int(value) in _INTEGERS[vr]:
            return str(int(value))
        raise QueryError(f"The value of {name} is no integer that its value representation {vr} allows.")
    if vr in _REALS and not _REAL.fullmatch(value):
        raise QueryError(f"The value of {name} is no decimal number.")
    if vr == "AS" and not _AGE.fullmatch(value):
        raise QueryError(f"The value of {name} is no age (such as 045Y).")
    if vr == "AT":
        if not _TAG.fullmatch(value):
            raise QueryError(f"The value of {name} is no tag of eight hexadecimal digits.")
        return value.upper()
    return value
