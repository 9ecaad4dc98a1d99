from __future__ import annotations

import pytest

from hilum.dicom.levels import (
    EVERY_LEVEL_TAGS,
    MATCHING_KEYS,
    PATIENT_TAGS,
    PIXEL_TAGS,
    RETURNED_ATTRIBUTES,
    SERIES_TAGS,
    STUDY_TAGS,
    Level,
    Presence,
    level_of,
    returned_levels,
    tag_of,
)


def test_no_attribute_has_two_levels() -> None:
    levels = [STUDY_TAGS, SERIES_TAGS, PIXEL_TAGS, EVERY_LEVEL_TAGS]

    assert sum(len(tags) for tags in levels) == len(frozenset().union(*levels))
    assert PATIENT_TAGS < STUDY_TAGS


@pytest.mark.parametrize("level", Level)
def test_matching_keys_and_returned_attributes_belong_to_their_level(level: Level) -> None:
    returned = {attribute.tag for attribute in RETURNED_ATTRIBUTES[level]}
    keys = {path[0] for path in MATCHING_KEYS[level]}

    assert {level_of(tag) for tag in (returned - EVERY_LEVEL_TAGS) | keys} == {level}
    assert keys <= returned


@pytest.mark.requirement("QIDO-14")
def test_the_required_matching_keys_of_all_levels_are_nineteen() -> None:
    assert {level: len(keys) for level, keys in MATCHING_KEYS.items()} == {
        Level.STUDY: 9,
        Level.SERIES: 7,
        Level.INSTANCE: 3,
    }


@pytest.mark.requirement("QIDO-26")
@pytest.mark.requirement("QIDO-27")
@pytest.mark.requirement("QIDO-28")
@pytest.mark.parametrize(("level", "count"), [(Level.STUDY, 16), (Level.SERIES, 10), (Level.INSTANCE, 10)])
def test_returned_attributes_are_ascending_with_one_unique_key(level: Level, count: int) -> None:
    attributes = RETURNED_ATTRIBUTES[level]

    assert len(attributes) == count
    assert [attribute.tag for attribute in attributes] == sorted(attribute.tag for attribute in attributes)
    assert sum(attribute.presence is Presence.UNIQUE for attribute in attributes) == 1
    assert {len(attribute.vr) for attribute in attributes} == {2}


@pytest.mark.requirement("QIDO-27")
def test_request_attributes_carry_both_ids() -> None:
    request = next(a for a in RETURNED_ATTRIBUTES[Level.SERIES] if a.tag == "00400275")

    assert [(member.tag, member.vr) for member in request.members] == [("00400009", "SH"), ("00401001", "SH")]


@pytest.mark.requirement("QIDO-29")
@pytest.mark.parametrize(
    ("level", "study", "series", "shown"),
    [
        (Level.STUDY, None, None, (Level.STUDY,)),
        (Level.SERIES, None, None, (Level.STUDY, Level.SERIES)),
        (Level.SERIES, "1.2", None, (Level.SERIES,)),
        (Level.INSTANCE, None, None, (Level.STUDY, Level.SERIES, Level.INSTANCE)),
        (Level.INSTANCE, "1.2", None, (Level.SERIES, Level.INSTANCE)),
        (Level.INSTANCE, "1.2", "1.3", (Level.INSTANCE,)),
    ],
)
def test_results_carry_the_levels_that_the_target_does_not_pin(
    level: Level,
    study: str | None,
    series: str | None,
    shown: tuple[Level, ...],
) -> None:
    assert returned_levels(level, study_instance_uid=study, series_instance_uid=series) == shown


def test_private_attributes_belong_to_the_instance() -> None:
    assert level_of("00231002") is Level.INSTANCE


def test_a_keyword_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        tag_of("NoSuchKeyword")
