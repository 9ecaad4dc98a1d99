from __future__ import annotations

import pytest

from hilum.dicom.searching.attribute_paths import QueryError, creators_of, is_private, name_of, parse_path, vr_of


@pytest.mark.requirement("QP-06")
def test_a_path_is_made_of_sequences_and_an_attribute() -> None:
    path = parse_path("RequestAttributesSequence.00400009")

    assert path == ("00400275", "00400009")
    assert name_of(path) == "RequestAttributesSequence.ScheduledProcedureStepID"
    with pytest.raises(QueryError, match="PatientID is no sequence"):
        parse_path("PatientID.StudyID")


def test_repeating_groups_belong_to_the_dictionary() -> None:
    assert parse_path("60020010") == ("60020010",)
    assert vr_of(("60020010",), {}) == "US"


@pytest.mark.parametrize(
    ("tag", "private"),
    [("00230010", True), ("00231002", True), ("0023000F", False), ("00230100", False), ("00070010", False)],
)
def test_private_tags_have_odd_groups_and_a_block(tag: str, private: bool) -> None:
    assert is_private(tag) is private


def test_every_private_component_needs_its_creator() -> None:
    path = ("00231002", "00251103")

    assert creators_of(path) == (("00230010",), ("00231002", "00250011"))
    assert vr_of(("00231002",), {}) == "UN"
    assert vr_of(("00231002",), {("00230010",): "no such creator"}) == "UN"
    assert vr_of(("00190010",), {}) == "LO"
