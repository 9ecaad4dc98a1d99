"""Frames: where they lie and their bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.reading.frames import (
    FrameSpan,
    PixelGeometry,
    encapsulated_frames,
    frame_span,
    join_fragments,
    native_frames,
    read_fragments,
    single_stream,
    take_bits,
)
from hilum.dicom.reading.instance import FRAME_RECORD, DecodeError, EncapsulatedFrames, NativeFrames, TruncatedError


def geometry(**changes: int | str) -> PixelGeometry:
    values = {
        "rows": 4,
        "columns": 3,
        "samples": 1,
        "bits_allocated": 16,
        "photometric_interpretation": "MONOCHROME2",
        "frames": 2,
    }
    return PixelGeometry(**(values | changes))  # type: ignore[arg-type]  # the keys say which is text


def test_native_frames_are_equal_slices() -> None:
    assert native_frames(100, 48, geometry()) == NativeFrames(100, 192, 2)


def test_only_complete_frames_count() -> None:
    assert native_frames(100, 47, geometry()) == NativeFrames(100, 192, 1)
    assert native_frames(100, 23, geometry()) is None


@pytest.mark.parametrize("name", ["rows", "columns", "bits_allocated"])
def test_no_geometry_gives_no_frames(name: str) -> None:
    assert native_frames(100, 48, geometry(**{name: 0})) is None


def test_subsampled_frames_have_two_samples_a_pixel() -> None:
    subsampled = geometry(samples=3, bits_allocated=8, photometric_interpretation="YBR_FULL_422", columns=4)

    assert native_frames(0, 64, subsampled) == NativeFrames(0, 256, 2)


def test_frames_called_subsampled_that_are_not_have_three() -> None:
    subsampled = geometry(samples=3, bits_allocated=8, photometric_interpretation="YBR_FULL_422", columns=4)

    assert native_frames(0, 96, subsampled) == NativeFrames(0, 384, 2)


def test_an_encapsulated_frame_is_where_its_record_says() -> None:
    frames = EncapsulatedFrames(FRAME_RECORD.pack(10, 20, 1) + FRAME_RECORD.pack(40, 50, 3), 2)

    assert frame_span(frames, 1) == FrameSpan(40, 50, 3, 0)


@pytest.mark.parametrize("frame_index", [-1, 2])
def test_a_frame_that_is_not_there_is_an_index_error(frame_index: int) -> None:
    with pytest.raises(IndexError):
        frame_span(NativeFrames(0, 8, 2), frame_index)
    with pytest.raises(IndexError):
        frame_span(EncapsulatedFrames(FRAME_RECORD.pack(0, 1, 1) * 2, 2), frame_index)


def test_records_that_stand_elsewhere_are_an_index_error() -> None:
    with pytest.raises(IndexError):
        frame_span(EncapsulatedFrames(b"", 2), 0)


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=5))
@settings(max_examples=50)
def test_fragments_are_joined_without_their_headers(fragments: list[bytes]) -> None:
    items = [len(part).to_bytes(4, "little") + part for part in fragments]
    span = b"\xfe\xff\x00\xe0".join(items) if len(fragments) > 1 else fragments[0]

    assert join_fragments(span, len(fragments)) == b"".join(fragments)


@given(st.binary(max_size=30), st.integers(2, 5))
@settings(max_examples=50)
def test_a_span_that_does_not_fit_its_fragments_is_a_decode_error(span: bytes, fragments: int) -> None:
    try:
        joined = join_fragments(span, fragments)
    except DecodeError:
        return
    assert len(joined) == len(span) + 4 - 8 * fragments


@pytest.mark.requirement("WADO-53")
@given(st.integers(1, 60), st.integers(1, 5), st.data())
@settings(max_examples=60)
def test_one_bit_frames_start_at_bit_0(bits: int, count: int, data: st.DataObject) -> None:
    pixels = np.array(data.draw(st.lists(st.booleans(), min_size=bits * count, max_size=bits * count)), bool)
    packed = np.packbits(pixels, bitorder="little").tobytes()
    frame_index = data.draw(st.integers(0, count - 1))

    span = frame_span(NativeFrames(0, bits, count), frame_index)
    frame = take_bits(packed[span.offset : span.offset + span.length], span.first_bit, bits)

    expected = np.packbits(pixels[frame_index * bits : (frame_index + 1) * bits], bitorder="little").tobytes()
    assert frame == expected


def test_too_few_bits_are_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        take_bits(b"\0", 4, 5)


_END = b"\xfe\xff\xdd\xe0\0\0\0\0"


def item(value: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(value)) + value


def encapsulated(fragments: Sequence[bytes], table: bytes = b"") -> bytes:
    return item(table) + b"".join(map(item, fragments)) + _END


def frames_of(source: bytes, count: int, extended: tuple[bytes, bytes] | None = None) -> list[bytes] | None:
    """Return the joined frames."""
    frames = encapsulated_frames(source, read_fragments(source, 0, len(source), 0), count, extended)
    return None if frames is None else joined(source, frames)


def joined(source: bytes, frames: EncapsulatedFrames) -> list[bytes]:
    spans = [frame_span(frames, index) for index in range(frames.count)]
    return [join_fragments(source[span.offset : span.offset + span.length], span.fragments) for span in spans]


def jpeg(text: bytes) -> bytes:
    return b"\xff\xd8\xff" + text


def test_one_fragment_a_frame_needs_no_table() -> None:
    assert frames_of(encapsulated([b"ab", b"", b"ef"]), 3) == [b"ab", b"", b"ef"]


def test_a_single_frame_takes_all_fragments() -> None:
    assert frames_of(encapsulated([b"ab", b"cd", b"ef"]), 1) == [b"abcdef"]


def test_the_basic_offset_table_groups_fragments() -> None:
    table = struct.pack("<2I", 0, 10)

    assert frames_of(encapsulated([b"ab", b"cd", b"ef"], table), 2) == [b"ab", b"cdef"]


@pytest.mark.parametrize(
    "table", [struct.pack("<2I", 0, 11), struct.pack("<2I", 0, 999), struct.pack("<2I", 10, 0), b"abc"]
)
def test_a_wrong_basic_offset_table_is_passed_over(table: bytes) -> None:
    assert frames_of(encapsulated([jpeg(b"a"), b"cd", jpeg(b"e")], table), 2) == [jpeg(b"a") + b"cd", jpeg(b"e")]
    assert frames_of(encapsulated([b"ab", b"cd"], table), 2) == [b"ab", b"cd"]


def test_the_extended_offset_table_comes_first_and_knows_the_padding() -> None:
    extended = struct.pack("<2Q", 0, 10), struct.pack("<2Q", 1, 2)

    assert frames_of(encapsulated([b"a\0", b"cd"]), 2, extended) == [b"a", b"cd"]


@pytest.mark.parametrize("offsets", [(0, 11), (0, 2**63)])
def test_a_wrong_extended_offset_table_is_passed_over(offsets: tuple[int, int]) -> None:
    extended = struct.pack("<2Q", *offsets), struct.pack("<2Q", 1, 2)

    assert frames_of(encapsulated([b"a\0", b"cd"]), 2, extended) == [b"a\0", b"cd"]


@pytest.mark.parametrize(
    "start",
    [
        b"\xff\xd8\xff\xe0",
        b"\xff\x4f\xff\x51",
        b"\x00\x00\x00\x0cjP  ",
        b"\xff\x0a",
        b"\x00\x00\x00\x0cJXL ",
        struct.pack("<II", 1, 64) + b"\0" * 56,
    ],
)
def test_codestreams_tell_where_frames_begin(start: bytes) -> None:
    assert frames_of(encapsulated([start + b"a", b"b", start + b"c"]), 2) == [start + b"ab", start + b"c"]


def test_frames_that_are_missing_do_not_count() -> None:
    assert frames_of(encapsulated([jpeg(b"a"), jpeg(b"b")]), 3) == [jpeg(b"a"), jpeg(b"b")]


@pytest.mark.parametrize("fragments", [[b"ab", b"cd", b"ef"], []])
def test_frames_that_cannot_be_told_apart_are_none(fragments: list[bytes]) -> None:
    assert frames_of(encapsulated(fragments), 2) is None


def test_video_is_one_stream() -> None:
    source = encapsulated([b"ab", b"cd"])

    frames = single_stream(read_fragments(source, 0, len(source), 0))

    assert frames is not None
    assert joined(source, frames) == [b"abcd"]


def test_fragments_without_end_are_cut_short() -> None:
    source = encapsulated([b"ab", b"cd"])

    for stop in range(len(source)):
        with pytest.raises(TruncatedError):
            read_fragments(source[:stop], 0, stop, 0)


@pytest.mark.parametrize("source", [b"\x10\x00\x10\x00PN\0\0", b"\xfe\xff\x00\xe0\xff\xff\xff\xff"])
def test_other_things_than_fragments_are_a_decode_error(source: bytes) -> None:
    with pytest.raises(DecodeError):
        read_fragments(source, 0, len(source), 0)


def test_many_empty_fragments_stay_cheap() -> None:
    source = encapsulated([b""] * 100_000)

    frames = encapsulated_frames(source, read_fragments(source, 0, len(source), 0), 100_000, None)

    assert frames is not None
    assert frames.count == 100_000


def test_wire_offsets_may_differ_from_those_in_the_buffer() -> None:
    source = encapsulated([b"ab", b"cd"])

    frames = encapsulated_frames(source, read_fragments(source, 0, len(source), 100), 1, None)

    assert frames is not None
    assert frame_span(frames, 0) == FrameSpan(offset=112, length=16, fragments=2, first_bit=0)
