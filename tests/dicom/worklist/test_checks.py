from __future__ import annotations

import pytest

from hilum.dicom.worklist.checks import check_creation, check_update, missing_for, text_of
from hilum.dicom.worklist.payload import PayloadError
from hilum.dicom.worklist.states import State
from workitems import PERFORMED, Members, code, element, workitem


def test_a_complete_workitem_needs_nothing() -> None:
    checked = check_creation(workitem())

    assert (checked.added, checked.ignored) == ((), ())


def test_what_is_missing_of_type_2_is_named() -> None:
    checked = check_creation(workitem(t00741202=None, t0040A370=element("SQ", {"0020000D": element("UI", "1.2")})))

    assert checked.members["00741202"] == element("LO")
    assert "WorklistLabel" in checked.added
    assert "ReferencedRequestSequence.AccessionNumber" in checked.added


def test_the_server_says_what_is_its_own() -> None:
    checked = check_creation(workitem(t00080016=element("UI", "1.2"), t00404010=element("DT", "2024")))

    assert not {"00080016", "00404010"} & set(checked.members)
    assert set(checked.ignored) == {"SOPClassUID", "ScheduledProcedureStepModificationDateTime"}


@pytest.mark.requirement("UPSA-28", "UPSA-29", "UPSA-30")
def test_a_scheduled_performer_has_code_name_and_organization() -> None:
    performer = {
        "00404009": element("SQ", code("A")),
        "00404037": element("PN", {"Alphabetic": "X"}),
        "00404036": element("LO", "Org"),
    }
    check_update({"00404034": element("SQ", performer)})

    for tag in performer:
        lacking = {other: performer[other] for other in performer if other != tag}
        with pytest.raises(PayloadError, match="must have a value"):
            check_update({"00404034": element("SQ", lacking)})


@pytest.mark.requirement("UPSA-32", "UPSA-93")
def test_what_is_said_has_a_value() -> None:
    with pytest.raises(PayloadError):
        check_update({"00404011": element("DT")})
    long_code = {"00080119": element("UC", "x" * 70), "00080104": element("LO", "A")}
    check_update({"00404018": element("SQ", long_code)})


@pytest.mark.requirement("UPSA-90", "UPSA-91", "UPSA-92", "UPSA-01")
def test_a_final_state_needs_what_the_table_says() -> None:
    base = workitem(
        t00080016=element("UI", "1"), t00080018=element("UI", "1"), t00404010=element("DT", "2024"),
    )  # fmt: skip
    canceled: Members = {
        "00741002": element("SQ", {"00404052": element("DT", "2024"), "0074100E": element("SQ", code("A"))})
    }

    assert missing_for(State.COMPLETED, {**base, **PERFORMED}) == ()
    assert missing_for(State.CANCELED, {**base, **canceled}) == ()
    performed = "UnifiedProcedureStepPerformedProcedureSequence"
    assert missing_for(State.COMPLETED, base) == tuple(
        f"{performed}.{keyword}"
        for keyword in (
            "PerformedStationNameCodeSequence",
            "PerformedProcedureStepStartDateTime",
            "PerformedWorkitemCodeSequence",
            "PerformedProcedureStepEndDateTime",
            "OutputInformationSequence",
        )
    )
    assert len(missing_for(State.CANCELED, base)) == 2
    assert "InputReadinessState" in missing_for(State.CANCELED, {**canceled})


def test_a_text_is_the_first_value_without_padding() -> None:
    assert text_of({"00741202": element("LO", " A ", "B")}, "00741202") == "A"
    assert text_of({}, "00741202") == text_of({"00741202": element("LO")}, "00741202") == ""
