"""Dates and times of search requests as closed intervals (formats: PS3.5 6.2, ranges: PS3.4 C.2.2.2.5).

An interval is a pair of texts, both ends included; '' leaves an end open. A value without a hyphen is the
interval of all instants that it names: `1030` is the whole minute.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta
from typing import Final

_DATE: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME: Final = re.compile(r"([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.([0-9]{1,6}))?)?)?")
_DATE_TIME: Final = re.compile(r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})([0-9.]*))?)?")
_DATE_TIME_INTERVAL: Final = re.compile(
    r"(?P<first>[0-9.]*)(?P<first_zone>(?:\+[0-9]{4}|-(?:0[0-9]|1[0-2])[0-5][0-9](?=-|$))?)"
    r"(?P<hyphen>-?)(?P<last>[0-9.]*)(?P<last_zone>(?:[+-][0-9]{4})?)"
)
_ZONE: Final = re.compile(r"\+(?:0[0-9]|1[0-3])[0-5][0-9]|\+1400|-(?:0[1-9]|1[01])[0-5][0-9]|-00[0-5][0-9]|-1200")

_MINUTE_PARTS: Final = (slice(0, 4), slice(4, 6), slice(6, 8), slice(8, 10), slice(10, 12))

FIRST_TIME: Final = "000000.000000"
LAST_TIME: Final = "235959.999999"


def is_zone(text: str) -> bool:
    """Return whether `text` is an offset from UTC, `-1200` to `+1400`.

    >>> is_zone("+0100"), is_zone("0100"), is_zone("-1300")
    (True, False, False)
    """
    return _ZONE.fullmatch(text) is not None


def zone_minutes(zone: str) -> int:
    """Return an offset from UTC in minutes.

    >>> zone_minutes("+0130"), zone_minutes("-0500")
    (90, -300)
    """
    minutes = 60 * int(zone[1:3]) + int(zone[3:5])
    return -minutes if zone[0] == "-" else minutes


def shifted(moment: str, minutes: int) -> str:
    """Return a moment `YYYYMMDDHHMMSS.FFFFFF` so many minutes later; at either end of the calendar it stays.

    >>> shifted("20240101001500.000000", -60)
    '20231231231500.000000'
    """
    try:
        # No zone: both moments are in the same one.
        year, month, day, hour, minute = (int(moment[part]) for part in _MINUTE_PARTS)
        later = datetime(year, month, day, hour, minute) + timedelta(minutes=minutes)  # noqa: DTZ001 - see above
    except OverflowError:
        return moment
    return f"{later.year:04}{later.month:02}{later.day:02}{later.hour:02}{later.minute:02}{moment[12:]}"


def date_interval(text: str) -> tuple[str, str]:
    """Return the interval of a DA value or range, its ends as `YYYYMMDD`.

    Raises:
        ValueError: a part is no date of the calendar, or both are missing.

    >>> date_interval("20130509-"), date_interval("20130509")
    (('20130509', ''), ('20130509', '20130509'))
    """
    first, hyphen, last = text.partition("-")
    if not (first or last):
        raise ValueError
    for part in (first, last):
        if part:
            _check_date(part)
    return (first, last) if hyphen else (first, first)


def time_interval(text: str) -> tuple[str, str]:
    """Return the interval of a TM value or range, its ends as `HHMMSS.FFFFFF`.

    The first end may be later than the last one: with a range of dates, each belongs to its own date.

    Raises:
        ValueError: a part is no time, or both are missing.

    >>> time_interval("10-1030")
    ('100000.000000', '103059.999999')
    """
    first, hyphen, last = text.partition("-")
    if not (first or last):
        raise ValueError
    if not hyphen:
        return _widened_time(first)
    return (_widened_time(first)[0] if first else "", _widened_time(last)[1] if last else "")


def date_time_interval(text: str) -> tuple[str, str]:
    """Return the interval of a DT value or range, its ends as `YYYYMMDDHHMMSS.FFFFFF`.

    A hyphen and four digits that can be an offset from UTC and end a part are one (PS3.5 6.2); the ends
    leave offsets out.

    Raises:
        ValueError: a part is no date and time, or both are missing.

    >>> date_time_interval("2013"), date_time_interval("201305-0500-20130601")
    (('20130101000000.000000', '20131231235959.999999'), ('20130501000000.000000', '20130601235959.999999'))
    """
    parts = _DATE_TIME_INTERVAL.fullmatch(text)
    if parts is None or not (parts["first"] or parts["last"]):
        raise ValueError
    for name in ("first", "last"):
        zone = parts[f"{name}_zone"]
        if zone and not (parts[name] and is_zone(zone)):
            raise ValueError
    first = _widened_date_time(parts["first"]) if parts["first"] else ("", "")
    if not parts["hyphen"]:
        if parts["last"] or parts["last_zone"]:
            raise ValueError
        return first
    return (first[0], _widened_date_time(parts["last"])[1] if parts["last"] else "")


def has_zone(text: str) -> bool:
    """Return whether a DT value or range that `date_time_interval` accepts carries an offset from UTC."""
    parts = _DATE_TIME_INTERVAL.fullmatch(text)
    return parts is not None and bool(parts["first_zone"] or parts["last_zone"])


def _check_date(text: str) -> None:
    parts = _DATE.fullmatch(text)
    if parts is None:
        raise ValueError
    year, month, day = (int(part) for part in parts.groups())
    if not (year and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        raise ValueError


def _widened_time(text: str) -> tuple[str, str]:
    parts = _TIME.fullmatch(text)
    # 60 is a leap second (PS3.5 6.2).
    if parts is None or int(parts[1]) > 23 or int(parts[2] or 0) > 59 or int(parts[3] or 0) > 60:
        raise ValueError
    whole = f"{parts[1]}{parts[2] or ''}{parts[3] or ''}"
    fraction = parts[4] or ""
    return (
        f"{whole + FIRST_TIME[len(whole) : 6]}.{fraction:0<6}",
        f"{whole + LAST_TIME[len(whole) : 6]}.{fraction:9<6}",
    )


def _widened_date_time(text: str) -> tuple[str, str]:
    parts = _DATE_TIME.fullmatch(text)
    if parts is None:
        raise ValueError
    year, month, day, time = parts.groups()
    first_month, last_month = (month, month) if month else ("01", "12")
    _check_date(f"{year}{first_month}01")
    last_day = day or f"{monthrange(int(year), int(last_month))[1]:02}"
    _check_date(f"{year}{last_month}{last_day}")
    first_time, last_time = _widened_time(time) if time else (FIRST_TIME, LAST_TIME)
    return f"{year}{first_month}{day or '01'}{first_time}", f"{year}{last_month}{last_day}{last_time}"
