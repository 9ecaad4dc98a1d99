"""The Explicit VR Little Endian form of what never travels as it is stored."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.dicom.reading.instance import DecodeError, ScanLimits, TruncatedError, WireForm
from hilum.dicom.reading.spools import Sidecar
from hilum.dicom.reading.wire_form import EXPLICIT_BIG, IMPLICIT_LITTLE, Encoding, ExplicitForm, inflate, reversed_words
from scanning import defined_item, element, implicit_element, implicit_sequence, open_spool, sequence


def form_of(data_set: bytes, encoding: Encoding) -> tuple[bytes, WireForm]:
    sidecar = Sidecar(open_spool)
    form = ExplicitForm(data_set, encoding, ScanLimits(), sidecar).write(0)
    finished = sidecar.finish()
    assert isinstance(finished, bytes)
    return finished, form


@pytest.mark.requirement("TSX-01")
def test_implicit_elements_get_their_vrs() -> None:
    data_set = implicit_element(0x00080060, b"CT") + implicit_element(0x00420011, b"ab")

    side, form = form_of(data_set, IMPLICIT_LITTLE)

    assert side == element(0x00080060, "CS", b"CT") + element(0x00420011, "OB", b"ab")
    assert form == WireForm(len(side), 0, 0, 1, 0)


@pytest.mark.parametrize(
    "made",
    [
        implicit_sequence(0x00081140, [implicit_element(0x00080060, b"CT"), b""]),
        implicit_element(0x00081140, defined_item(implicit_element(0x00080060, b"CT")) + defined_item(b"")),
    ],
)
def test_sequences_of_either_length_get_undefined_length(made: bytes) -> None:
    side, _ = form_of(made, IMPLICIT_LITTLE)

    assert side == sequence(0x00081140, [element(0x00080060, "CS", b"CT"), b""])


def test_pixel_data_stay_in_the_blob() -> None:
    data_set = implicit_element(0x7FE00010, b"abcd") + implicit_element(0xFFFCFFFC, b"\0\0")

    side, form = form_of(data_set, IMPLICIT_LITTLE)

    assert form == WireForm(12, 8, 4, 1, len(side) - 12)
    assert side == element(0x7FE00010, "OW", b"abcd")[:12] + element(0xFFFCFFFC, "OB", b"\0\0")


@pytest.mark.parametrize(("bits", "word_size"), [(8, 2), (16, 2), (32, 4), (64, 8)])
def test_cells_of_big_endian_pixel_data_are_reversed_whole(bits: int, word_size: int) -> None:
    data_set = element(0x00280100, "US", struct.pack(">H", bits), ">") + element(0x7FE00010, "OW", bytes(8), ">")

    _, form = form_of(data_set, EXPLICIT_BIG)

    assert (form.middle_length, form.word_size) == (8, word_size)


@pytest.mark.parametrize(
    ("vr", "code"),
    [
        ("US", "H"),
        ("SS", "h"),
        ("UL", "I"),
        ("SL", "i"),
        ("FL", "f"),
        ("FD", "d"),
        ("UV", "Q"),
        ("SV", "q"),
        ("OW", "H"),
        ("OF", "f"),
        ("OD", "d"),
        ("OL", "I"),
        ("OV", "Q"),
        ("AT", "H"),
    ],
)
def test_words_of_every_size_are_reversed(vr: str, code: str) -> None:
    side, _ = form_of(element(0x00990010, vr, struct.pack(f">4{code}", 1, 2, 3, 4), ">"), EXPLICIT_BIG)

    assert side == element(0x00990010, vr, struct.pack(f"<4{code}", 1, 2, 3, 4))


def test_bytes_and_text_keep_their_order() -> None:
    side, _ = form_of(element(0x00990010, "OB", b"abcd", ">") + element(0x00990011, "UN", b"ab", ">"), EXPLICIT_BIG)

    assert side == element(0x00990010, "OB", b"abcd") + element(0x00990011, "UN", b"ab")


def test_group_lengths_are_dropped() -> None:
    side, _ = form_of(implicit_element(0x00080000, b"\1\0\0\0") + implicit_element(0x00080060, b"CT"), IMPLICIT_LITTLE)

    assert side == element(0x00080060, "CS", b"CT")


@pytest.mark.parametrize("vr", ["AE", "LT", "DS"])
@pytest.mark.requirement("TSX-14")
def test_values_too_long_for_their_length_field_become_un(vr: str) -> None:
    tag = {"AE": 0x00080054, "LT": 0x00204000, "DS": 0x00280030}[vr]

    at_limit, _ = form_of(implicit_element(tag, b"1" * 65534), IMPLICIT_LITTLE)
    above, _ = form_of(implicit_element(tag, b"1" * 65536), IMPLICIT_LITTLE)

    assert at_limit == element(tag, vr, b"1" * 65534)
    assert above == element(tag, "UN", b"1" * 65536)


def test_encapsulated_pixel_data_in_implicit_vr_are_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        form_of(struct.pack("<HHI", 0x7FE0, 0x10, 0xFFFFFFFF) + bytes(8), IMPLICIT_LITTLE)


@pytest.mark.parametrize("encoding", [IMPLICIT_LITTLE, EXPLICIT_BIG])
@given(data_set=st.binary(max_size=80))
def test_no_bytes_end_in_anything_but_a_form_or_a_decode_error(encoding: Encoding, data_set: bytes) -> None:
    try:
        form_of(data_set, encoding)
    except DecodeError:
        return


@given(st.binary(max_size=40), st.sampled_from([2, 4, 8]))
def test_reversing_words_twice_changes_nothing(raw: bytes, word_size: int) -> None:
    once = reversed_words(raw, word_size)

    assert reversed_words(once, word_size) == raw
    whole = len(raw) // word_size * word_size
    assert once[:whole] == np.frombuffer(raw[:whole], f">u{word_size}").astype(f"<u{word_size}").tobytes()


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, wbits=-15)
    return deflater.compress(data) + deflater.flush()


def inflated(data: bytes, limits: ScanLimits | None = None) -> int:
    sidecar = Sidecar(open_spool)
    try:
        inflate(data, 0, limits or ScanLimits(), sidecar)
        return sidecar.length
    finally:
        sidecar.close()


@pytest.mark.parametrize("size", [0, 10, 1024 * 1024, 5_000_000])
def test_deflated_data_sets_are_inflated_whole(size: int) -> None:
    assert inflated(deflated(bytes(size))) == size
    assert inflated(deflated(bytes(size)) + b"\0") == size


def test_a_deflated_data_set_cut_anywhere_is_cut_short() -> None:
    data = deflated(bytes(range(256)) * 4)

    for stop in range(len(data)):
        with pytest.raises(TruncatedError):
            inflated(data[:stop])


def test_what_is_not_deflated_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        inflated(b"\xff" * 100)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(DecodeError, match="larger"):
        inflated(deflated(bytes(2_000_000)), ScanLimits(inflated_bytes=1_000_000))
    with pytest.raises(DecodeError, match="proportion"):
        inflated(deflated(bytes(80_000_000)))
