from __future__ import annotations

import pytest

from hilum.dicom.worklist.reports import (
    assigned_report,
    cancel_requested,
    event_message,
    progress_report,
    reports_of_change,
    reports_of_creation,
    state_report,
    status_report,
)
from workitems import code, element, event_type, workitem


@pytest.mark.requirement("UPSE-10")
def test_a_state_report_says_why_a_workitem_was_canceled() -> None:
    progress = {"00741238": element("LT", "ill"), "0074100E": element("SQ", code("A"))}

    report = state_report(workitem(t00741002=element("SQ", progress)))

    assert set(report) == {"00001002", "00741000", "00404041", "00741238", "0074100E"}
    assert set(state_report(workitem())) == {"00001002", "00741000", "00404041"}


@pytest.mark.requirement("UPSE-10", "UPSE-12")
def test_a_request_for_cancellation_always_names_the_one_who_asks() -> None:
    assert cancel_requested({}, "DESK") == {"00001002": element("US", 2), "00741236": element("AE", "DESK")}


@pytest.mark.requirement("UPSE-20", "UPSE-23", "UPSE-25")
def test_each_change_brings_its_reports() -> None:
    before = workitem(t00741002=element("SQ", {"00741004": element("DS", 1)}))
    changes = {
        "00741202": (element("LO", "other"), []),
        "00404041": (element("CS", "UNAVAILABLE"), [1]),
        "00404025": (element("SQ", code("A")), [5]),
        "00741002": (element("SQ", {"00741004": element("DS", 2)}), [3]),
    }

    for tag, (value, expected) in changes.items():
        assert [event_type(dict(report)) for report in reports_of_change(before, {**before, tag: value})] == expected
    parameters = element("SQ", {"00741004": element("DS", 1), "00741007": element("SQ", {})})
    assert reports_of_change(before, {**before, "00741002": parameters}) == []


def test_a_new_workitem_reports_its_state_and_its_assignment() -> None:
    assert [event_type(dict(report)) for report in reports_of_creation(workitem())] == [1]
    stations = workitem(t00404025=element("SQ", code("A")))
    assert [event_type(dict(report)) for report in reports_of_creation(stations)] == [1, 5]


def test_progress_has_an_item_even_if_nothing_is_known() -> None:
    assert progress_report(workitem())["00741002"] == element("SQ", {})


def test_an_assignment_names_what_is_known() -> None:
    assert assigned_report(workitem()) == {"00001002": element("US", 5)}


@pytest.mark.requirement("UPSE-02", "UPSE-03", "UPSE-04", "UPSE-28")
def test_a_message_has_its_command_elements_first() -> None:
    message = event_message(status_report("RESTARTED", "WARM START"), "", 65537)

    assert list(message) == [
        "00000002", "00000110", "00001000", "00001002", "00741242", "00741244", "00741246",
    ]  # fmt: skip
    assert message["00000110"] == element("US", 1)
    assert message["00001000"] == element("UI", "1.2.840.10008.5.1.4.34.5")
