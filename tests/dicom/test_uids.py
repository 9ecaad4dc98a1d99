from __future__ import annotations

import pytest

from hilum.dicom.uids import is_uid


@pytest.mark.parametrize("text", ["1", "0.0", "1.2.840.10008.1.2.1", "1.02.3", "2.25." + "9" * 59])
def test_digits_and_dots_are_a_uid(text: str) -> None:
    assert is_uid(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".1", "1..2", "1.2a", "1.2\n", "1.2\0", "1/2", "1.٢", "1 2", "../1", "2.25." + "9" * 60],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_uid(text)
