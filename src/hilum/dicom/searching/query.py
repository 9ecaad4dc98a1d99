"""Search requests as values: what to match, what to return, which page (PS3.18 8.3.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import unquote_to_bytes

from hilum.dicom.levels import (
    EVERY_LEVEL_TAGS,
    LEVELS,
    RETURNED_ATTRIBUTES,
    Level,
    level_of,
    returned_levels,
    tag_of,
)
from hilum.dicom.searching.attribute_paths import Path, QueryError, creators_of, is_private, name_of, parse_path, vr_of
from hilum.dicom.searching.conditions import (
    EMPTY_VALUE,
    MATCHED_VRS,
    SINGLE_TEXT_VRS,
    Alternative,
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Fuzzy,
    Range,
    SingleValue,
    UidList,
    Wildcard,
    ZonedRange,
    any_condition,
    uid_condition,
    value_condition,
)
from hilum.dicom.searching.date_times import FIRST_TIME, LAST_TIME, has_zone, is_zone, zone_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AnyOf",
    "Condition",
    "DateTimeRange",
    "Empty",
    "Fuzzy",
    "Level",
    "Match",
    "Query",
    "QueryError",
    "Range",
    "SingleValue",
    "UidList",
    "Wildcard",
    "ZonedRange",
    "parse_query",
]

MAX_QUERY_BYTES: Final = 128 * 1024
"""Longest query component, in bytes."""

MAX_PARAMETERS: Final = 1024
"""Most parameters of a query component."""

MAX_OFFSET: Final = 2**63 - 1
"""Largest offset that every index can take; what lies behind it is empty anyway."""


@dataclass(frozen=True, slots=True)
class Match:
    """One matching key. `path` is made of eight-digit upper-case tags, outermost sequence first."""

    path: tuple[str, ...]
    vr: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Query:
    """A search of one level, inside a study or series where the target resource names one.

    Keys that the level lacks, universal matches and unsupported keys are dropped (QP-09, SRCH-04).
    """

    level: Level
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    matches: tuple[Match, ...] = ()
    include: tuple[str, ...] = ()
    """Eight-digit tags asked for by `includefield` and by match parameters, beyond the default ones."""
    include_all: bool = False
    limit: int = 1000
    offset: int = 0
    asked_limit: int | None = None
    """The request's own `limit`, however large; None if it has none."""
    wants_total: bool = False
    """Whether all matches are to be counted (`totalcount=true`)."""
    warnings: tuple[str, ...] = ()
    """Sentences for the Warning header: parameters that were not honoured."""


_SWITCHES: Final = frozenset({"fuzzymatching", "emptyvaluematching", "multiplevaluematching", "totalcount"})
"""Parameters that are `true` or `false` (SRCH-36)."""

_ONCE: Final = frozenset({*_SWITCHES, "limit", "offset"})

_CHARACTER_SET: Final = (tag_of("SpecificCharacterSet"),)
_TIMEZONE_OFFSET: Final = (tag_of("TimezoneOffsetFromUTC"),)

_DATES: Final[Mapping[str, str]] = {
    tag_of(f"{name}Time"): tag_of(f"{name}Date")
    for name in (
        "Study",
        "Series",
        "Acquisition",
        "Content",
        "InstanceCreation",
        "PatientBirth",
        "PerformedProcedureStepStart",
        "PerformedProcedureStepEnd",
        "ScheduledProcedureStepStart",
        "ScheduledProcedureStepEnd",
    )
}
"""The date attribute that makes one point in time with a time attribute (SRCH-09)."""

_TIMES: Final = {date: time for time, date in _DATES.items()}

_UNSIGNED: Final = re.compile(r"[0-9]+")
_OUTSIDE_ASCII: Final = re.compile(rb"[\x80-\xff]")

# SRCH-05: what looks like a keyword or a tag must be one; other names may belong to transports and proxies.
_ATTRIBUTE_NAME: Final = re.compile(r"[A-Z0-9]|[0-9A-Fa-f]{8}(?:\.|$)")
_OTHER_NAME: Final = re.compile(r"[a-z_]")

_MAX_NAMES: Final = 10
"""Most attributes that one warning names: a header has room for no more."""


@dataclass(frozen=True, slots=True)
class _Parameters:
    """A query component, sorted by kind; filled while it is read."""

    once: dict[str, str] = field(default_factory=dict)
    keys: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    """Decoded values of matching keys, in order of appearance."""
    include: list[str] = field(default_factory=list)

    @property
    def creators(self) -> dict[Path, str]:
        """Values of the Private Creators among the keys that have one."""
        values = {
            path: values[0].strip()
            for path, values in self.keys.items()
            if is_private(path[-1]) and path[-1].startswith("00", 4)
        }
        return {path: value for path, value in values.items() if value}


def parse_query(
    level: Level,
    query_string: str | bytes,
    *,
    study_instance_uid: str | None = None,
    series_instance_uid: str | None = None,
    max_results: int,
) -> Query:
    """Return the search that a query component asks for.

    Args:
        level: level of the resources that are searched.
        query_string: the query component as it came, percent-encoded, without its question mark.
        study_instance_uid: the study that the target resource names.
        series_instance_uid: the series that the target resource names.
        max_results: most matches in one response; a larger `limit` is cut to it.

    Raises:
        QueryError: the syntax or the value of a supported parameter is wrong (QP-10).

    Source: PS3.18 8.3.1, 8.3.4 and 10.6.1.2.

    >>> parse_query(Level.STUDY, "PatientName=SMITH*&limit=5", max_results=100).matches
    (Match(path=('00100010',), vr='PN', condition=Wildcard(pattern='SMITH*')),)
    """
    parameters = _sorted_parameters(query_string)
    switched = frozenset(name for name in _SWITCHES if _is_on(name, parameters.once))
    shown = returned_levels(
        level,
        study_instance_uid=study_instance_uid,
        series_instance_uid=series_instance_uid,
    )
    matches, warnings = _matches(level, parameters, switched)
    return Query(
        level=level,
        study_instance_uid=study_instance_uid,
        series_instance_uid=series_instance_uid,
        matches=matches,
        include=_included(level, parameters, shown),
        include_all="all" in parameters.include,
        limit=_unsigned("limit", parameters.once, default=max_results, maximum=max_results),
        asked_limit=_unsigned("limit", parameters.once, default=0, maximum=MAX_OFFSET)
        if "limit" in parameters.once
        else None,
        wants_total="totalcount" in switched,
        offset=_unsigned("offset", parameters.once, default=0, maximum=MAX_OFFSET),
        warnings=tuple(warnings),
    )


def _sorted_parameters(query_string: str | bytes) -> _Parameters:
    text = _ascii(query_string)
    if text.count("&") >= MAX_PARAMETERS:
        raise QueryError(f"A query component has at most {MAX_PARAMETERS} parameters.")
    parameters = _Parameters()
    for parameter in text.split("&"):
        # QP-07: commas inside a value are percent-encoded, so values are told apart before decoding.
        encoded_name, _, encoded_values = parameter.partition("=")
        name = _decoded(encoded_name)
        if name == "includefield":
            words = (word.strip() for word in _decoded(encoded_values).split(","))
            parameters.include.extend(word for word in words if word)
        elif name in _ONCE:
            _add_once(parameters, name, _decoded(encoded_values))
        elif _ATTRIBUTE_NAME.match(name):
            _add_key(parameters, name, tuple(_decoded(value) for value in encoded_values.split(",")))
        elif parameter and not _OTHER_NAME.match(name):
            raise QueryError("The name of a parameter begins with a letter.")
    return parameters


def _add_once(parameters: _Parameters, name: str, value: str) -> None:
    if name in parameters.once:
        raise QueryError(f"The parameter {name} stands more than once.")
    parameters.once[name] = value


def _add_key(parameters: _Parameters, name: str, values: tuple[str, ...]) -> None:
    path = parse_path(name)
    if path in parameters.keys:
        raise QueryError(f"The attribute {name_of(path)} is matched more than once.")
    parameters.keys[path] = values


def _ascii(query_string: str | bytes) -> str:
    """Return the query component with bytes outside ASCII percent-encoded: one decoding serves both."""
    if isinstance(query_string, str):
        query_string = query_string.encode("utf-8", "surrogatepass")
    if len(query_string) > MAX_QUERY_BYTES:
        raise QueryError(f"A query component has at most {MAX_QUERY_BYTES} bytes.")
    return _OUTSIDE_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], query_string).decode("ascii")


def _decoded(text: str) -> str:
    # QP-13: user agents that encode as browser forms do send a space as `+`.
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise QueryError("The query component is not UTF-8 in percent-encoding.") from error


def _is_on(name: str, once: Mapping[str, str]) -> bool:
    value = once.get(name, "false")
    if value not in {"true", "false"}:
        raise QueryError(f"The value of {name} is true or false.")
    return value == "true"


def _unsigned(name: str, once: Mapping[str, str], *, default: int, maximum: int) -> int:
    value = once.get(name)
    if value is None:
        return default
    if not (value.isascii() and _UNSIGNED.fullmatch(value)):
        raise QueryError(f"The value of {name} is a number of decimal digits.")
    digits = value.lstrip("0") or "0"
    return min(int(digits), maximum) if len(digits) <= len(str(maximum)) else maximum


def _matches(
    level: Level,
    parameters: _Parameters,
    switched: frozenset[str],
) -> tuple[tuple[Match, ...], list[str]]:
    """Return the matching keys and the warnings of those that are not honoured."""
    creators = parameters.creators
    found: dict[Path, Match] = {}
    ignored: list[str] = []
    warnings: list[str] = []
    for path, values in parameters.keys.items():
        _check_creators(path, creators)
        vr = vr_of(path, creators)
        if path in {_TIMEZONE_OFFSET, _CHARACTER_SET} or not any(value.strip("* ") for value in values):
            continue
        if not _is_supported(level, path, vr):
            ignored.append(name_of(path))
        elif condition := _condition(name_of(path), vr, values, switched):
            found[path] = Match(path, vr[:2], condition)
            if vr == "DT" and has_zone(values[0].strip()):
                warnings.append(f"The offset from UTC in the value of {name_of(path)} has not been applied.")
    if ignored:
        warnings.append(_ignored_warning(ignored))
    found = _with_combined_times(found, parameters.keys)
    if zone := _zone(parameters.keys.get(_TIMEZONE_OFFSET, ())):
        found = _with_zone(found, zone_minutes(zone))
        warnings.extend(_zone_warnings(found))
    return tuple(found.values()), warnings


def _check_creators(path: Path, creators: Mapping[Path, str]) -> None:
    """Check that the Private Creators of an attribute are among the matching keys (SRCH-03, SRCH-22)."""
    for creator in creators_of(path):
        if creator not in creators:
            raise QueryError(
                f"The private attribute {name_of(path)} needs its Private Creator {name_of(creator)} too.",
            )


def _zone(values: tuple[str, ...]) -> str:
    """Return the zone of the request's dates and times, '' if it names none."""
    # `+` came as a space unless it was percent-encoded.
    zone = ",".join(values).strip("*")
    zone = f"+{zone[1:]}" if zone.startswith(" ") else zone.strip(" ")
    if zone and not is_zone(zone):
        raise QueryError("The value of TimezoneOffsetFromUTC is no offset from UTC (such as -0500).")
    return zone


def _is_supported(level: Level, path: Path, vr: str) -> bool:
    """Return whether the attribute is a matching key at `level`: not of a lower one (QIDO-12), no bulk."""
    if path[0] in EVERY_LEVEL_TAGS or _is_outside(path[0]):
        return False
    return not _is_lower(path[0], level) and vr in MATCHED_VRS | {"SQ"}


def _is_outside(tag: str) -> bool:
    """Return whether the element is of no data set: a command, file meta or an item (PS3.5 7.1)."""
    return not "0008" <= tag[:4] < "FFFE"


def _is_lower(tag: str, level: Level) -> bool:
    return tag not in EVERY_LEVEL_TAGS and LEVELS.index(level_of(tag)) > LEVELS.index(level)


def _condition(name: str, vr: str, values: tuple[str, ...], switched: frozenset[str]) -> Condition | None:
    if vr == "SQ":
        raise QueryError(f"{name} is a sequence; a matching key is an attribute of its items.")
    if "emptyvaluematching" in switched and values == (EMPTY_VALUE,):
        return Empty()
    if vr == "UI":
        return uid_condition(name, values)
    several = len(values) > 1 or ("\\" in values[0] and vr not in SINGLE_TEXT_VRS)
    if several and "multiplevaluematching" not in switched:
        raise QueryError(
            f"{name} takes one value; a comma in it is written %2C, and multiplevaluematching=true allows several."
        )
    found = any_condition(name, vr, values) if several else value_condition(name, vr, values[0])
    return _fuzzy(found) if vr == "PN" and "fuzzymatching" in switched else found


def _fuzzy(condition: Condition | None) -> Condition | None:
    match condition:
        case SingleValue(value) | Wildcard(value):
            return Fuzzy(value)
        case AnyOf(alternatives):
            return AnyOf(tuple(Fuzzy(_text_of(one)) for one in alternatives))
        case _:
            return condition


def _text_of(condition: Alternative) -> str:
    match condition:
        case SingleValue(value) | Wildcard(value) | Fuzzy(value):
            return value
        case Range(first, last):
            return f"{first}-{last}"
        case _:
            assert_never(condition)


def _ignored_warning(names: list[str]) -> str:
    shown = ", ".join(names[:_MAX_NAMES])
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"The following attributes are no matching keys here and were ignored: {shown}{more}."


def _with_combined_times(found: dict[Path, Match], keys: Mapping[Path, tuple[str, ...]]) -> dict[Path, Match]:
    """Make one condition of a range of dates and a range of its times (SRCH-09)."""
    for time_path in [path for path in found if path[-1] in _DATES]:
        date_path = (*time_path[:-1], _DATES[time_path[-1]])
        date, time = found.get(date_path), found[time_path].condition
        if date is None or not all("-" in keys[path][0] for path in (date_path, time_path)):
            continue
        days = date.condition
        if isinstance(days, Range) and isinstance(time, Range):
            first = days.first and days.first + (time.first or FIRST_TIME)
            last = days.last and days.last + (time.last or LAST_TIME)
            found[date_path] = Match(date_path, date.vr, DateTimeRange(time_path, first, last))
            del found[time_path]
    return found


def _with_zone(found: Mapping[Path, Match], offset_minutes: int) -> dict[Path, Match]:
    """Return the matches with those of moments in the request's time zone (SRCH-10)."""
    zoned = dict(found)
    for match in found.values():
        path, condition = match.path, match.condition
        time_path = (*path[:-1], _TIMES[path[-1]]) if path[-1] in _TIMES else ()
        time = found[time_path].condition if time_path in found else None
        if isinstance(condition, DateTimeRange):
            whole = ZonedRange(condition.time_path, condition.first, condition.last, offset_minutes)
        elif time_path and (whole_days := _days(condition)) and (time is None or _is_within_a_day(whole_days, time)):
            first, last = whole_days
            within = time if isinstance(time, Range) else Range("", "")
            whole = ZonedRange(
                time_path,
                first and first + (within.first or FIRST_TIME),
                last and last + (within.last or LAST_TIME),
                offset_minutes,
            )
            zoned.pop(time_path, None)
        else:
            continue
        zoned[path] = Match(path, match.vr, whole)
    return zoned


def _days(condition: Condition) -> tuple[str, str] | None:
    """Return the first and the last day of a condition on a date, '' for an open end; None if it has none."""
    match condition:
        case SingleValue(day):
            return day, day
        case Range(first, last):
            return first, last
        case _:
            return None


def _is_within_a_day(days: tuple[str, str], time: Condition) -> bool:
    """Return whether a range of times on these days is one range of moments."""
    return days[0] == days[1] and isinstance(time, Range) and not (time.first and time.last and time.first > time.last)


def _zone_warnings(found: Mapping[Path, Match]) -> list[str]:
    """Name the dates and times that are no moments, so that the time zone says nothing about them."""
    names = [
        name_of(match.path)
        for match in found.values()
        if match.path[-1] in _TIMES.keys() | _DATES.keys() or match.vr == "DT"
        if not isinstance(match.condition, ZonedRange | Empty)
    ]
    if not names:
        return []
    return [f"TimezoneOffsetFromUTC has not been applied to: {', '.join(names[:_MAX_NAMES])}."]


def _included(level: Level, parameters: _Parameters, shown: tuple[Level, ...]) -> tuple[str, ...]:
    """Return the tags that results carry beyond the default ones (SRCH-20 to -22, QIDO-22 and -30)."""
    words = [word for word in parameters.include if word != "all"]
    if words and "all" in parameters.include:
        raise QueryError("The value all of includefield stands alone.")
    creators = parameters.creators
    paths = list(parameters.keys)
    for word in words:
        path = parse_path(word)
        _check_creators(path, creators)
        # QIDO-23: a private attribute comes with its Private Creator.
        paths.extend((*creators_of(path), path))
    default = {attribute.tag for at in shown for attribute in RETURNED_ATTRIBUTES[at]}
    return tuple(
        tag
        for tag in dict.fromkeys(path[0] for path in paths)
        if not (tag in default or _is_lower(tag, level) or _is_outside(tag))
    )
