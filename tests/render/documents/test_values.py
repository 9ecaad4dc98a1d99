from __future__ import annotations

import pytest

from hilum.render.documents.values import day, moment, person_name, sop_class_name, time_of_day


@pytest.mark.parametrize("text", ["", "nonsense", "2024", "20240131-20240201"])
def test_what_is_no_date_stays_as_it_is(text: str) -> None:
    assert (day(text), time_of_day(f"{text}x"), moment(text)) == (text, f"{text}x", text)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Doe^Jane", "Jane Doe"),
        ("Doe", "Doe"),
        ({"Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}, "山田 太郎, やまだ たろう"),
        ({}, ""),
        ("", ""),
    ],
)
def test_a_name_is_written_as_people_write_it(value: object, name: str) -> None:
    assert person_name(value) == name


def test_an_unknown_sop_class_is_its_uid() -> None:
    assert (sop_class_name("1.2.3"), sop_class_name("")) == ("1.2.3", "Instance")
