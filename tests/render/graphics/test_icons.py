from __future__ import annotations

import pytest

from hilum.render.graphics.icons import icon, label_of


@pytest.mark.parametrize(
    ("branch", "label"),
    [
        ("88.59", "KO"),
        ("88.34", "SR"),
        ("104.1", "PDF"),
        ("9.1.1", "ECG"),
        ("11.1", "PR"),
        ("481.3", "RTSS"),
        ("7.2", "SC"),
    ],
)
def test_families_have_their_names(branch: str, label: str) -> None:
    assert label_of(f"1.2.840.10008.5.1.4.1.1.{branch}") == label


def test_icons_of_different_kinds_differ_and_one_is_always_the_same() -> None:
    sr, pdf = (icon(f"1.2.840.10008.5.1.4.1.1.{branch}", 128, 128) for branch in ("88.11", "104.1"))

    assert (sr != pdf).any()
    assert (icon("1.2.840.10008.5.1.4.1.1.88.22", 128, 128) == sr).all()
