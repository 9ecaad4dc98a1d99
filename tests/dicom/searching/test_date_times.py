from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.searching.date_times import (
    date_interval,
    date_time_interval,
    has_zone,
    is_zone,
    time_interval,
)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("20240229", ("20240229", "20240229")),
        ("20130509-20130510", ("20130509", "20130510")),
        ("-20130510", ("", "20130510")),
        ("20130509-", ("20130509", "")),
    ],
)
def test_dates_are_closed_intervals(text: str, interval: tuple[str, str]) -> None:
    assert date_interval(text) == interval


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "2013",
        "20130229",
        "20131301",
        "20130500",
        "00000101",
        "20130509-2013051",
        "2013.05.09",
        "٢٠١٣٠٥٠٩",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser of queries writes the sentence
        date_interval(text)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("10", ("100000.000000", "105959.999999")),
        ("1030", ("103000.000000", "103059.999999")),
        ("103015", ("103015.000000", "103015.999999")),
        ("103015.5", ("103015.500000", "103015.599999")),
        ("235960", ("235960.000000", "235960.999999")),
        ("10-11", ("100000.000000", "115959.999999")),
        ("-11", ("", "115959.999999")),
        ("22-02", ("220000.000000", "025959.999999")),
    ],
)
def test_partial_times_are_widened(text: str, interval: tuple[str, str]) -> None:
    assert time_interval(text) == interval


@pytest.mark.parametrize(
    "text", ["", "-", "1", "24", "1060", "103061", "103015.", "10:30", "10-11-12", "103015.1234567"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser of queries writes the sentence
        time_interval(text)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("2024", ("20240101000000.000000", "20241231235959.999999")),
        ("202402", ("20240201000000.000000", "20240229235959.999999")),
        ("20240229", ("20240229000000.000000", "20240229235959.999999")),
        ("2024022910", ("20240229100000.000000", "20240229105959.999999")),
        ("2023-2024", ("20230101000000.000000", "20241231235959.999999")),
        ("2023-", ("20230101000000.000000", "")),
        ("-2024", ("", "20241231235959.999999")),
        ("2023-0500", ("20230101000000.000000", "20231231235959.999999")),
        ("2023-0500-", ("20230101000000.000000", "")),
        ("2023+0100-2024+0100", ("20230101000000.000000", "20241231235959.999999")),
        ("2023-1900", ("20230101000000.000000", "19001231235959.999999")),
    ],
)
def test_date_times_are_widened_and_lose_their_zone(text: str, interval: tuple[str, str]) -> None:
    assert date_time_interval(text) == interval


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "202",
        "202413",
        "20240230",
        "2024022924",
        "2024+1500",
        "+0100",
        "2024-2025-2026",
        "2024..",
        "0000",
    ],
)
def test_what_is_no_date_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser of queries writes the sentence
        date_time_interval(text)


def test_offsets_from_utc_are_told_apart_from_years() -> None:
    assert [has_zone(text) for text in ("2023-0500", "2023-1900", "2023-2024-0500", "2023", "2023+0100")] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert [is_zone(text) for text in ("-1200", "+1400", "-0000", "+1401", "-1201", "0000", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]


@settings(max_examples=100)
@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001 - DICOM's are naive
def test_every_instant_lies_in_the_intervals_of_its_prefixes(instant: datetime) -> None:
    full = f"{instant.year:04}{instant.month:02}{instant.day:02}{instant:%H%M%S}.{instant.microsecond:06}"

    for length in (4, 6, 8, 10, 12, 14, 16, 18, 21):
        first, last = date_time_interval(full[:length])
        assert first <= full <= last
        assert first.startswith(full[:length])
    assert date_interval(full[:8]) == (full[:8], full[:8])
    assert time_interval(full[8:]) == (full[8:], full[8:])


@settings(max_examples=50)
@given(st.dates(), st.dates())
def test_ranges_of_dates_keep_their_ends(first: date, last: date) -> None:
    texts = (f"{first.year:04}{first:%m%d}", f"{last.year:04}{last:%m%d}")

    assert date_interval("-".join(texts)) == texts
