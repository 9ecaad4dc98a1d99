from __future__ import annotations

import struct

import pytest

from hilum.dicom.building.values import ENCODERS, inline_binary
from hilum.dicom.json import ENCODERS as JSON_ENCODERS
from hilum.dicom.reading.instance import DecodeError


def test_every_vr_with_values_has_an_encoder() -> None:
    assert set(JSON_ENCODERS) - set(ENCODERS) == {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}


@pytest.mark.requirement("JSON-21")
def test_64_bit_integers_are_exact_in_any_form() -> None:
    assert ENCODERS["UV"]([2**64 - 1, "18446744073709551615", 1.0], "ascii") == struct.pack(
        "<3Q", 2**64 - 1, 2**64 - 1, 1
    )
    assert ENCODERS["SV"](["-9223372036854775808"], "ascii") == struct.pack("<q", -(2**63))


@pytest.mark.requirement("JSON-23")
@pytest.mark.parametrize("text", ["NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "INF", "-INF"])
def test_numbers_beyond_json_have_names(text: str) -> None:
    assert ENCODERS["FD"]([text], "ascii") == struct.pack("<d", float(text))


@pytest.mark.requirement("JSON-20")
def test_decimal_strings_may_be_numbers() -> None:
    assert ENCODERS["DS"]([70.0, "1.80", None, 1], "ascii") == b"70\\1.80\\\\1"


def test_base64_is_checked() -> None:
    assert inline_binary("AAE=\n") == b"\0\1"
    with pytest.raises(DecodeError):
        inline_binary("AAE")
