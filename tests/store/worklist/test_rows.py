from __future__ import annotations

import pytest

from hilum.store.worklist.rows import is_matched, moment, searchable
from workitems import code, element


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20240229120000+0100", 1709204400.0),
        ("20240229120000.5-0030", 1709209800.5),
        ("2024+0000", 1704067200.0),
        ("20240101235960+0000", 1704153600.0),
        ("", 0.0),
        ("99999999+0000", 0.0),
    ],
)
def test_a_date_and_time_is_a_moment(text: str, seconds: float) -> None:
    assert moment(text) == seconds


def test_lists_without_end_are_no_matching_keys() -> None:
    members = {
        "00404021": element(
            "SQ", {"0020000D": element("UI", "1.2"), "00081199": element("SQ", {"00081155": element("UI", "1.3")})}
        ),
        "00741216": element(
            "SQ", {"00404033": element("SQ", {"0020000D": element("UI", "1.4")}), "00404028": element("SQ", code("S"))}
        ),
        "00741002": element("SQ", {"00741006": element("ST", "x")}),
        "00741000": element("CS", "SCHEDULED"),
    }

    paths = {key.path for key in searchable(members)}

    assert "00404021.0020000D" in paths
    assert "00741216.00404028.00080100" in paths
    assert not any(
        path.startswith(("00741002", "00404021.00081199", "00741216.00404033", "00741000")) for path in paths
    )
    assert is_matched("00741000")
    assert not is_matched("00081195")
