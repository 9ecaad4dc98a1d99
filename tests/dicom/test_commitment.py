from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.dicom.commitment import FailureReason, Form, Reference, RequestInvalid, parse_request, response_module

uids = st.from_regex(r"1\.2(\.[1-9][0-9]{0,3}){1,3}", fullmatch=True)
references = st.builds(Reference, uids, uids, uids, uids)


def requested(module: dict[str, Any], failed: str, wanted: str) -> dict[str, Any]:
    """Return what a response says as a request would say it."""
    return {wanted: module.get(failed, module.get(wanted))}


@pytest.mark.requirement("SC-20", "SC-21")
@given(st.lists(references, min_size=1, max_size=20, unique_by=lambda one: one.sop_instance_uid))
def test_a_response_names_what_its_request_named(names: list[Reference]) -> None:
    module = response_module(Form.STUDIES, [(name, None) for name in names])

    again = parse_request(module, most=100)

    assert again.form is Form.STUDIES
    assert set(again.references) == set(names)


@pytest.mark.requirement("SC-21")
def test_failures_stand_apart_with_their_reasons() -> None:
    one, two = Reference("1.2.1", "1.2.3"), Reference("1.2.1", "1.2.4")

    module = response_module(Form.INSTANCES, [(one, None), (two, FailureReason.NO_SUCH_INSTANCE)])

    assert module["00081199"]["Value"] == [
        {"00081150": {"vr": "UI", "Value": ["1.2.1"]}, "00081155": {"vr": "UI", "Value": ["1.2.3"]}}
    ]
    assert module["00081198"]["Value"][0]["00081197"] == {"vr": "US", "Value": [0x0112]}


def test_too_many_instances_are_refused() -> None:
    module = response_module(Form.INSTANCES, [(Reference("1.2.1", f"1.2.{number}"), None) for number in range(1, 5)])

    with pytest.raises(RequestInvalid, match="3 instances"):
        parse_request(module, most=3)
