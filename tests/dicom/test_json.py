"""Value fields to the DICOM JSON Model."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.charsets import DEFAULT_CHARACTER_SET, character_set
from hilum.dicom.json import ENCODERS, bulk_reference

_UTF8 = character_set(b"ISO_IR 192")


def encode(vr: str, raw: bytes, charset: bytes = b"ISO_IR 192") -> dict[str, Any] | None:
    """Return what follows the VR, as objects; None where bulk data must hold the value."""
    body = ENCODERS[vr](raw, character_set(charset))
    return None if body is None else orjson.loads(b'{"vr":"%b"%b' % (vr.encode(), body))


def values(vr: str, raw: bytes) -> Any:
    encoded = encode(vr, raw)
    assert encoded is not None
    return encoded["Value"]


@pytest.mark.requirement("JSON-31")
@pytest.mark.parametrize("vr", sorted(ENCODERS))
def test_an_empty_value_has_no_child(vr: str) -> None:
    assert encode(vr, b"") == {"vr": vr}


@pytest.mark.requirement("JSON-31")
@pytest.mark.parametrize(
    "vr", ["AE", "CS", "DA", "DS", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"]
)
def test_a_value_of_padding_alone_is_empty(vr: str) -> None:
    assert encode(vr, b"  ") == {"vr": vr}


@pytest.mark.requirement("JSON-25")
def test_padding_is_taken_off() -> None:
    assert values("UI", b"1.2.3\0") == ["1.2.3"]
    assert values("CS", b" CT \\MR ") == ["CT", "MR"]
    assert values("LT", b"  indented  ") == ["  indented"]
    assert values("UC", b" a \\b ") == [" a", "b"]


@pytest.mark.requirement("JSON-26")
@pytest.mark.parametrize("vr", ["LT", "ST", "UT", "UR"])
def test_a_backslash_is_an_ordinary_character_of_vrs_with_one_value(vr: str) -> None:
    assert values(vr, b"a\\b") == ["a\\b"]


@pytest.mark.requirement("JSON-33")
@pytest.mark.parametrize("vr", ["CS", "LO", "SH", "UC", "DS", "IS"])
def test_an_empty_value_among_several_is_null(vr: str) -> None:
    assert values(vr, b"1\\\\2 ")[1] is None


@pytest.mark.requirement("JSON-20")
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"0.70", b"0.70"),
        (b"-1024\\1 ", b"-1024,1"),
        (b"+5", b"5.0"),
        (b".5", b"0.5"),
        (b"5.", b"5.0"),
        (b"1e3", b"1000.0"),
        (b"007", b"7.0"),
        (b"0.1234567890123456", b"0.1234567890123456"),
        (b"1.00000000000000001", b'"1.00000000000000001"'),
        (b"1,5", b'"1,5"'),
        (b"1E999", b'"1E999"'),
        (b"nan", b'"nan"'),
        (b"-", b'"-"'),
        (b".", b'"."'),
        (b"1 2", b'"1 2"'),
    ],
)
def test_decimal_strings_are_numbers_where_a_double_keeps_them(raw: bytes, text: bytes) -> None:
    assert ENCODERS["DS"](raw, DEFAULT_CHARACTER_SET) == b',"Value":[%b]}' % text


@pytest.mark.requirement("JSON-20")
@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=200)
def test_decimal_strings_keep_their_value(number: float) -> None:
    (value,) = values("DS", repr(number).encode())

    assert float(value) == number


@pytest.mark.requirement("JSON-20")
@pytest.mark.parametrize(
    ("raw", "value"),
    [(b"12", 12), (b"+7 ", 7), (b"-2147483648", -(2**31)), (b"abc", "abc"), (b"1.0", "1.0"), (b"9" * 18, "9" * 18)],
)
def test_integer_strings_are_numbers_where_readers_keep_them(raw: bytes, value: object) -> None:
    assert values("IS", raw) == [value]


@pytest.mark.requirement("JSON-21")
def test_very_long_integers_above_53_bits_are_strings() -> None:
    assert values("SV", struct.pack("<3q", 2**53 - 1, 2**53, -(2**63))) == [2**53 - 1, str(2**53), str(-(2**63))]
    assert values("UV", struct.pack("<Q", 2**64 - 1)) == [str(2**64 - 1)]


@pytest.mark.requirement("JSON-22")
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
@settings(max_examples=100)
def test_floats_read_back_to_the_same_32_bits(numbers: list[float]) -> None:
    raw = struct.pack(f"<{len(numbers)}f", *numbers)

    assert struct.pack(f"<{len(numbers)}f", *values("FL", raw)) == raw


@pytest.mark.requirement("JSON-22")
def test_floats_are_as_short_as_can_be() -> None:
    assert ENCODERS["FL"](struct.pack("<2f", 0.1, 9.7), _UTF8) == b',"Value":[0.1,9.7]}'


@pytest.mark.requirement("JSON-22")
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
@settings(max_examples=100)
def test_doubles_read_back_to_the_same_64_bits(numbers: list[float]) -> None:
    raw = struct.pack(f"<{len(numbers)}d", *numbers)

    assert struct.pack(f"<{len(numbers)}d", *values("FD", raw)) == raw


@pytest.mark.requirement("JSON-23")
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_left_to_bulk_data(number: float) -> None:
    assert encode("FD", struct.pack("<2d", 1, number)) is None
    assert encode("FL", struct.pack("<2f", 1, number)) is None


@pytest.mark.parametrize(("vr", "code"), [("US", "H"), ("SS", "h"), ("UL", "I"), ("SL", "i")])
@given(data=st.data())
@settings(max_examples=40)
def test_integers_are_numbers(vr: str, code: str, data: st.DataObject) -> None:
    size = struct.calcsize(code)
    raw = data.draw(st.binary(min_size=1, max_size=6).map(lambda part: (part * size)[: len(part) // 1 * size]))

    assert values(vr, raw) == list(struct.unpack(f"<{len(raw) // size}{code}", raw))


@pytest.mark.parametrize("vr", ["US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"])
def test_a_field_that_is_no_whole_number_of_values_is_left_to_bulk_data(vr: str) -> None:
    assert encode(vr, b"\1\2\3") is None


def test_attribute_tags_are_eight_hex_digits_and_a_ragged_rest_is_kept() -> None:
    assert values("AT", b"\x10\x00\x0d\x00\xfe\x7f\xab\xcd") == ["0010000D", "7FFECDAB"]
    assert values("AT", b"\x10\x00\x0d\x00\xfe") == ["0010000D", "FE"]


@pytest.mark.requirement("JSON-36")
@pytest.mark.parametrize("vr", ["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
@given(raw=st.binary(min_size=1, max_size=40))
@settings(max_examples=20)
def test_binary_values_are_base64_of_the_whole_field(vr: str, raw: bytes) -> None:
    assert encode(vr, raw) == {"vr": vr, "InlineBinary": base64.b64encode(raw).decode()}


@pytest.mark.requirement("JSON-29")
def test_person_names_have_the_groups_that_are_not_empty() -> None:
    assert values("PN", "Wang^XiaoDong=王^小東".encode()) == [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}]
    assert values("PN", b"==phonetic") == [{"Phonetic": "phonetic"}]


@pytest.mark.requirement("JSON-30")
def test_person_names_keep_empty_components() -> None:
    assert values("PN", b"Doe^Bob^^Dr.^") == [{"Alphabetic": "Doe^Bob^^Dr.^"}]
    assert values("PN", b"^^^^") == [{"Alphabetic": "^^^^"}]


@pytest.mark.requirement("JSON-35")
def test_an_empty_person_name_among_several_is_null() -> None:
    assert values("PN", b"A\\\\=\\B") == [{"Alphabetic": "A"}, None, None, {"Alphabetic": "B"}]


@pytest.mark.requirement("JSON-40")
@pytest.mark.parametrize("vr", sorted(set(ENCODERS) - {"UN"}))
@given(raw=st.binary(max_size=24))
@settings(max_examples=30)
def test_any_bytes_give_valid_json_or_bulk_data(vr: str, raw: bytes) -> None:
    for charset in (b"", b"ISO_IR 192", b"GB18030", b"ISO 2022 IR 13\\ISO 2022 IR 87"):
        encoded = encode(vr, raw, charset)
        assert encoded is None or encoded["vr"] == vr


def test_a_bulk_reference_follows_the_vr() -> None:
    assert bulk_reference("00880200/1/7FE00010") == b',"BulkDataURI":"/bulkdata/00880200/1/7FE00010"}'
