from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.pixels.codestreams import Codestream, read_jpeg, read_jpeg_2000, read_jpeg_xl
from hilum.dicom.reading.instance import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

ALL_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xF7})
SIZES = st.integers(1, 40) | st.sampled_from([64, 255, 256, 257, 300])


def read_any_jpeg(data: bytes) -> Codestream:
    return read_jpeg(data, ALL_FRAMES)


READERS = (read_any_jpeg, read_jpeg_2000, read_jpeg_xl)


def geometry(codestream: Codestream) -> tuple[int, int, int, int]:
    return codestream.rows, codestream.columns, codestream.samples, codestream.precision


def image(rows: int, columns: int, samples: int, word: str = "u1") -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((rows, columns, samples) if samples > 1 else (rows, columns), word)


@settings(max_examples=25)
@given(SIZES, SIZES, st.sampled_from([1, 3]))
def test_geometry_is_that_of_the_encoded_image(rows: int, columns: int, samples: int) -> None:
    pixels = image(rows, columns, samples)
    expected = (rows, columns, samples, 8)

    assert geometry(read_any_jpeg(bytes(imagecodecs.jpeg8_encode(pixels)))) == expected
    assert geometry(read_any_jpeg(bytes(imagecodecs.jpegls_encode(pixels)))) == expected
    assert geometry(read_jpeg_2000(bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k")))) == expected
    assert geometry(read_jpeg_2000(bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="jp2")))) == expected
    assert geometry(read_jpeg_2000(bytes(imagecodecs.htj2k_encode(pixels)))) == expected
    for lossless in (True, False):
        bare = bytes(imagecodecs.jpegxl_encode(pixels, lossless=lossless))
        boxed = bytes(imagecodecs.jpegxl_encode(pixels, lossless=lossless, usecontainer=True))
        assert geometry(read_jpeg_xl(bare)) == geometry(read_jpeg_xl(boxed)) == (rows, columns, 0, 8)


@pytest.mark.parametrize("precision", [10, 12, 14, 16])
def test_precision_is_that_of_the_encoded_samples(precision: int) -> None:
    pixels = image(9, 7, 1, "u2")

    streams = (
        read_any_jpeg(bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=precision))),
        read_jpeg_2000(bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", bitspersample=precision))),
        read_jpeg_xl(bytes(imagecodecs.jpegxl_encode(pixels, lossless=True, bitspersample=precision))),
    )

    assert {stream.precision for stream in streams} == {precision}


@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (10, 12), (30, 40), (200, 300), (90, 160), (4, 5), (5, 10)])
def test_the_ratios_of_jpeg_xl_are_known(rows: int, columns: int) -> None:
    for factor in (1, 8, 80):
        pixels = image(rows * factor, columns * factor, 1)
        read = read_jpeg_xl(bytes(imagecodecs.jpegxl_encode(pixels, lossless=True, effort=1)))
        assert (read.rows, read.columns) == pixels.shape


def test_signed_samples_are_told() -> None:
    pixels = image(4, 4, 1, "i2")

    assert read_jpeg_2000(bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k"))).is_signed
    assert not read_jpeg_2000(bytes(imagecodecs.htj2k_encode(pixels.view("u2")))).is_signed


@pytest.mark.parametrize(
    ("header", "is_ybr"),
    [
        (b"\xff\xe0\0\x10JFIF\0" + bytes(9), True),
        (b"\xff\xee\0\x0eAdobe" + bytes(6) + b"\x00", False),
        (b"\xff\xee\0\x0eAdobe" + bytes(6) + b"\x01", True),
        (b"\xff\xee\0\x0cAdobe" + bytes(5), None),
        (b"\xff\xff\xff\xe1\0\x02\xff\x01", None),
        (b"", None),
    ],
)
def test_the_colours_of_jpeg_are_told_by_its_markers(header: bytes, is_ybr: bool | None) -> None:
    frame = b"\xff\xc0\0\x11\x08\0\x05\0\x06\x03" + b"\x01\x11\0\x02\x11\0\x03\x11\0"

    read = read_any_jpeg(b"\xff\xd8" + header + frame)

    assert (geometry(read), read.is_ybr) == ((5, 6, 3, 8), is_ybr)
    if is_ybr is None:
        named = frame.replace(b"\x01\x11", b"R\x11").replace(b"\x02\x11", b"G\x11").replace(b"\x03\x11", b"B\x11")
        assert read_any_jpeg(b"\xff\xd8" + header + named).is_ybr is False


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\0\0",
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xe0\0\x01",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff\xd8\xff\xda\0\x02",
        b"\xff\xd8\xff\xc9\0\x0b\x08\0\x05\0\x06\x01\x01\x11\0",
        b"\xff\xd8\xff\xc0\0\x04\x08\0",
        b"\xff\xd8" + b"\xff\xd0" * 5,
        b"\xff\x4f\xff\x51" + bytes(30),
        b"\0\0\0\x0cjP  \r\n\x87\n",
        b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x01jp2c\0",
        b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x02jxlc\0",
        b"\xff\x0a",
        b"\xff\x0a\0\0\0",
    ],
)
def test_broken_headers_are_refused(data: bytes) -> None:
    for read in READERS:
        with pytest.raises(DecodeError):
            read(data)


def siz(components: bytes, capabilities: int = 0, tile: int = 8) -> bytes:
    fields = (38 + len(components), capabilities, 8, 8, 0, 0, tile, tile, 0, 0, len(components) // 3)
    return b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIIIH", *fields) + components


@pytest.mark.parametrize(
    "data",
    [
        siz(b""),
        siz(b"\7\1\1\7\2\1"),
        siz(b"\7\2\2"),
        siz(b"\7\1\1\x0f\1\1"),
        siz(b"\7\1\1", 0x8000),
        siz(b"\7\1\1", 0, 0),
    ],
)
def test_codestreams_of_jpeg_2000_that_no_frame_has_are_refused(data: bytes) -> None:
    assert geometry(read_jpeg_2000(siz(b"\7\1\1" * 3))) == (8, 8, 3, 8)
    with pytest.raises(DecodeError):
        read_jpeg_2000(data)


def test_animations_extra_channels_and_floats_of_jpeg_xl_are_refused() -> None:
    still = image(8, 8, 1)
    streams = (
        imagecodecs.jpegxl_encode(np.zeros((2, 8, 8, 3), "u1")),
        imagecodecs.jpegxl_encode(np.zeros((8, 8, 4), "u1")),
        imagecodecs.jpegxl_encode(still.astype("f4")),
    )

    for stream in streams:
        with pytest.raises(DecodeError):
            read_jpeg_xl(bytes(stream))


@settings(max_examples=150)
@given(
    st.sampled_from(READERS),
    st.binary(max_size=80),
    st.sampled_from([b"", b"\xff\xd8", b"\xff\x0a", siz(b"")[:12]]),
)
def test_any_bytes_are_a_codestream_or_a_decode_error(
    read: Callable[[bytes], Codestream],
    data: bytes,
    start: bytes,
) -> None:
    try:
        read(start + data)
    except DecodeError:
        return
