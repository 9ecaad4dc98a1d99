"""Preamble, prefix and File Meta Information."""

from __future__ import annotations

import io
import struct

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.dicom.reading.file_meta import has_prefix, read_head
from hilum.dicom.reading.instance import DecodeError, TruncatedError
from samples import make_object
from scanning import element, head, implicit_element


def test_a_head_tells_its_transfer_syntax_and_where_the_data_set_begins() -> None:
    start = head("1.2.840.10008.1.2.1")

    found = read_head(start + element(0x00080060, "CS", b"CT"))

    assert has_prefix(start)
    assert (found.transfer_syntax_uid, found.length) == ("1.2.840.10008.1.2.1", len(start))


def test_a_rewritten_head_is_the_same_but_for_the_transfer_syntax() -> None:
    blob = b"preamble" * 16 + make_object()[128:]
    found = read_head(blob)

    rewritten = found.rewritten("1.2.840.10008.1.2.4.50")

    before = pydicom.dcmread(io.BytesIO(blob))
    after = pydicom.dcmread(io.BytesIO(rewritten))
    assert after.preamble == before.preamble
    assert after.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert after.file_meta.FileMetaInformationGroupLength == len(rewritten) - 144
    before.file_meta.TransferSyntaxUID = after.file_meta.TransferSyntaxUID
    before.file_meta.FileMetaInformationGroupLength = after.file_meta.FileMetaInformationGroupLength
    assert after.file_meta == before.file_meta
    assert read_head(rewritten).length == len(rewritten)


def test_group_length_may_be_absent_or_wrong() -> None:
    meta = element(0x00020010, "UI", b"1.2.840.10008.1.2\0")
    wrong = element(0x00020000, "UL", struct.pack("<I", 9999))

    for start in (b"", wrong):
        found = read_head(bytes(128) + b"DICM" + start + meta + b"\x08\0")
        assert (found.transfer_syntax_uid, found.length) == ("1.2.840.10008.1.2", 132 + len(start) + len(meta))


def test_the_preamble_may_be_absent() -> None:
    meta = head("1.2.840.10008.1.2.1")[132:]

    found = read_head(meta + b"\x08\0")

    assert (found.transfer_syntax_uid, found.length, found.preamble) == ("1.2.840.10008.1.2.1", len(meta), bytes(128))


def test_all_of_it_may_be_absent() -> None:
    found = read_head(element(0x00080060, "CS", b"CT"))

    assert (found.transfer_syntax_uid, found.length) == ("", 0)


def test_implicit_vr_is_let_through() -> None:
    found = read_head(bytes(128) + b"DICM" + implicit_element(0x00020010, b"1.2.840.10008.1.2\0"))

    assert found.transfer_syntax_uid == "1.2.840.10008.1.2"


def test_a_head_cut_anywhere_inside_of_an_element_is_cut_short() -> None:
    start = head("1.2.840.10008.1.2.1")

    for stop in set(range(134, len(start))) - {144, 145}:
        with pytest.raises(TruncatedError):
            read_head(start[:stop])


@given(st.binary(max_size=60))
def test_no_bytes_end_in_anything_but_a_head_or_a_decode_error(tail: bytes) -> None:
    try:
        found = read_head(bytes(128) + b"DICM\2\0" + tail)
    except DecodeError:
        return
    assert found.length <= 134 + len(tail)


def test_endless_file_meta_information_is_refused() -> None:
    with pytest.raises(DecodeError):
        read_head(bytes(128) + b"DICM" + element(0x00020016, "AE", b"A" * 60_000) * 20)
