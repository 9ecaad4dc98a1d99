"""One pass over a data set; what it gives is shown whole in `test_part10.py`."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from hilum.dicom.reading.data_set import DataSetScan, Form, Gap, is_padding, tag_name
from hilum.dicom.reading.instance import BulkValue, DecodeError, ScanLimits, TruncatedError
from hilum.dicom.reading.spools import Overflow
from scanning import ITEM_END, ITEM_START, defined_item, element, open_spool, sequence, undefined_items


@pytest.fixture
def overflow() -> Iterator[Overflow]:
    overflow = Overflow(open_spool)
    yield overflow
    overflow.close()


def scan_of(data_set: bytes, overflow: Overflow, limits: ScanLimits | None = None) -> tuple[DataSetScan, bytes]:
    scan = DataSetScan(data_set, limits or ScanLimits(), overflow)
    return scan, scan.read(0).text()


def test_a_data_set_is_one_json_object(overflow: Overflow) -> None:
    _, text = scan_of(element(0x00080060, "CS", b"CT") + element(0x00280010, "US", b"\2\0"), overflow)

    assert text == b'{"00080060":{"vr":"CS","Value":["CT"]},"00280010":{"vr":"US","Value":[2]}}'


@pytest.mark.parametrize("is_defined", [True, False], ids=["defined", "undefined"])
def test_sequences_may_have_either_length(is_defined: bool, overflow: Overflow) -> None:
    inner = element(0x00080060, "CS", b"CT")
    made = element(0x00081140, "SQ", defined_item(inner)) if is_defined else sequence(0x00081140, [inner])

    _, text = scan_of(made, overflow)

    assert text == b'{"00081140":{"vr":"SQ","Value":[{"00080060":{"vr":"CS","Value":["CT"]}}]}}'


def test_lengths_of_both_kinds_may_be_nested(overflow: Overflow) -> None:
    inner = sequence(0x00081140, [b""])
    made = element(0x00081140, "SQ", defined_item(inner) + ITEM_START + inner + ITEM_END)

    _, text = scan_of(made, overflow)

    assert text.count(b"{}") == 2


@pytest.mark.parametrize(
    "data_set",
    [
        element(0x00080060, "CS", b"CT")[:-1],
        element(0x00080060, "CS", b"CT")[:7],
        element(0x00080060, "CS", b"CT")[:5],
        element(0x00081140, "SQ", defined_item(b"")[:-2]),
        sequence(0x00081140, [b""])[:-8],
        sequence(0x00081140, [b""])[:-20],
        struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 8) + b"\xfe\xff\x00\xe0\x40\0\0\0" + bytes(64),
    ],
)
def test_what_ends_too_early_is_cut_short(data_set: bytes, overflow: Overflow) -> None:
    with pytest.raises(TruncatedError):
        scan_of(data_set, overflow)


@pytest.mark.parametrize(
    "data_set",
    [
        element(0x00080060, "CS", b"CT") + ITEM_END,
        element(0x00081140, "SQ", element(0x00080060, "CS", b"CT")),
        element(0x00081140, "SQ", defined_item(ITEM_END)),
        b"\x08\x00\x60\x00C!\2\0CT",
        b"\x08\x00\x60\x00XX\2\0CT",
        struct.pack("<HH2sHI", 0x42, 0x11, b"UT", 0, 0xFFFFFFFF) + bytes(8),
        sequence(0x00081140, [b"\xfe\xff\xdd\xe0\0\0\0\0"]),
    ],
)
def test_what_is_no_data_set_is_a_decode_error(data_set: bytes, overflow: Overflow) -> None:
    with pytest.raises(DecodeError):
        scan_of(data_set, overflow)


def test_encapsulated_values_outside_of_pixel_data_are_bulk_values(overflow: Overflow) -> None:
    fragments = undefined_items([])
    item = b"\xfe\xff\x00\xe0\4\0\0\0abcd"
    made = struct.pack("<HH2sHI", 0x0099, 0x1010, b"OB", 0, 0xFFFFFFFF) + item + fragments

    scan, text = scan_of(made, overflow)

    assert text == b'{"00991010":{"vr":"OB","BulkDataURI":"/bulkdata/00991010"}}'
    assert scan.bulk == [BulkValue("00991010", "OB", 12, 12)]
    assert scan.pixels is None


def test_a_value_in_the_gap_lies_elsewhere(overflow: Overflow) -> None:
    pixels = element(0x7FE00010, "OW", bytes(100))
    before, after = pixels[:12], element(0xFFFCFFF0, "OB", b"ab")
    rest = pixels[-1:]
    form = Form(Gap(offset=12, length=99), {})

    scan = DataSetScan(before + rest + after, ScanLimits(bulk_threshold=0), overflow, form)
    scan.read(0)

    assert scan.bulk == [BulkValue("7FE00010", "OW", 12, 100), BulkValue("FFFCFFF0", "OB", 112 + 12, 2)]


def test_tiny_elements_without_end_are_refused(overflow: Overflow) -> None:
    elements = b"".join(struct.pack("<HH2sH", 0x0009, number, b"LO", 0) for number in range(0x1000, 0xFFFF))

    with pytest.raises(DecodeError, match="text"):
        scan_of(b"".join(elements.replace(b"\x09\0", bytes((9 + 2 * n, 0))) for n in range(9)), overflow)


def test_group_lengths_without_end_are_refused(overflow: Overflow) -> None:
    with pytest.raises(DecodeError, match="text"):
        scan_of(element(0x00080000, "UL", b"\0\0\0\0") * 600_000, overflow)


def test_long_sequences_leave_memory(overflow: Overflow) -> None:
    _, text = scan_of(sequence(0x00081140, [element(0x00080060, "CS", b"CT")] * 20_000), overflow)

    assert len(text) < 300_000
    whole = b"".join(overflow.expand(text))
    assert whole.count(b'{"00080060":{"vr":"CS","Value":["CT"]}}') == 20_000


def test_tags_are_named_by_eight_hex_digits() -> None:
    assert tag_name(0x0020000D) == "0020000D"


def test_padding_is_a_short_run_of_nuls() -> None:
    assert is_padding(b"ab" + bytes(512), 2)
    assert not is_padding(b"ab" + bytes(513), 2)
    assert not is_padding(b"ab\0\1", 2)
