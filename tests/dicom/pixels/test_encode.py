from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.codestreams import read_jpeg_2000
from hilum.dicom.pixels.encode import (
    ENCODERS,
    LOSSLESS_TARGETS,
    LOSSY_TARGETS,
    _words,
    can_encode,
    encode_frame,
    encoded_format,
)
from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.dicom.pixels.transcode import DECODABLE_SYNTAXES, decode_frame, decoded_format
from hilum.dicom.reading.instance import DecodeError

MAX_PIXELS = 10**7
BITS = [(8, 8), (8, 7), (8, 1), (16, 16), (16, 12), (16, 10), (16, 8), (16, 5), (32, 32)]
COLOURS = [("MONOCHROME2", 1), ("PALETTE COLOR", 1), ("RGB", 3), ("YBR_FULL", 3), ("YBR_FULL_422", 3)]
GREY = PixelFormat(70, 66, 1, 16, 12, 11, 0, "MONOCHROME2", 0, 1)


def formats(rows: int, columns: int) -> Iterator[PixelFormat]:
    for (allocated, used), sign, (name, samples), planar in itertools.product(BITS, (0, 1), COLOURS, (0, 1)):
        if samples == 3 or not planar:
            yield PixelFormat(rows, columns, samples, allocated, used, used - 1, sign, name, planar, 1)


def frame_of(source: PixelFormat, seed: int) -> bytes:
    """Return noise in the stored bits."""
    kind, size = "i" if source.pixel_representation else "u", source.bits_allocated // 8
    low = -(1 << source.bits_stored - 1) if source.pixel_representation else 0
    count = source.frame_bytes // size
    noise = np.random.default_rng(seed).integers(low, low + (1 << source.bits_stored), count)
    return noise.astype(f"<{kind}{size}").tobytes()


def round_trip(frame: bytes, uid: str, source: PixelFormat) -> np.ndarray:
    stream = encode_frame(frame, transfer_syntax_uid=uid, source=source)
    encoded = encoded_format(source, uid)
    padded = stream + b"\0" * (len(stream) % 2)
    decoded = decode_frame(padded, transfer_syntax_uid=uid, source=encoded, max_pixels=MAX_PIXELS)
    target = decoded_format(encoded, uid)
    assert len(decoded) == target.frame_bytes
    return _words(decoded, target)


@pytest.mark.requirement("TSX-03")
@pytest.mark.parametrize("uid", LOSSLESS_TARGETS)
@pytest.mark.parametrize("size", [(37, 22), (1, 2), (130, 70)])
def test_every_bit_comes_back_from_lossless_syntaxes(uid: str, size: tuple[int, int]) -> None:
    for seed, source in enumerate(formats(*size)):
        if can_encode(source, uid):
            frame = frame_of(source, seed)
            np.testing.assert_array_equal(round_trip(frame, uid, source), _words(frame, source))


@given(st.binary(min_size=96, max_size=96), st.sampled_from(list(formats(4, 4))), st.sampled_from(LOSSLESS_TARGETS))
@settings(max_examples=100, deadline=None)
def test_bits_beyond_those_stored_come_back_too(data: bytes, source: PixelFormat, uid: str) -> None:
    if can_encode(source, uid):
        frame = (data * 4)[: source.frame_bytes]

        np.testing.assert_array_equal(round_trip(frame, uid, source), _words(frame, source))


@pytest.mark.parametrize("uid", LOSSY_TARGETS)
def test_lossy_syntaxes_keep_samples_near_and_within_the_bits_stored(uid: str) -> None:
    found = 0
    for source in formats(64, 64):
        if not can_encode(source, uid):
            continue
        found += 1
        top = (1 << source.bits_stored - source.pixel_representation) - 1
        steps = np.linspace(top // 8, top, source.frame_bytes * 8 // source.bits_allocated)
        frame = steps.astype(f"<u{source.bits_allocated // 8}").tobytes()

        samples = round_trip(frame, uid, source).astype(np.int64)

        assert 0 - top - 1 <= samples.min()
        assert samples.max() <= top
        if source.samples_per_pixel == 1:
            assert np.abs(samples - _words(frame, source).astype(np.int64)).max() <= max(6, top // 50)
    assert found


def test_rgb_frames_keep_their_colours_in_lossy_syntaxes() -> None:
    source = PixelFormat(32, 32, 3, 8, 8, 7, 0, "RGB", 0, 1)
    frame = bytes((200, 40, 90)) * 1024

    for uid in LOSSY_TARGETS:
        if can_encode(source, uid):
            samples = round_trip(frame, uid, source).astype(np.int64)
            assert np.abs(samples - np.array((200, 40, 90))).max() <= 6


@pytest.mark.parametrize("uid", [syntaxes.HTJ2K_LOSSLESS, syntaxes.HTJ2K_LOSSLESS_RPCL, syntaxes.HTJ2K])
@pytest.mark.parametrize("sign", [0, 1])
def test_two_decoders_agree_on_htj2k_whose_precision_was_put_right(uid: str, sign: int) -> None:
    source = replace(GREY, pixel_representation=sign)
    frame = frame_of(source, 3)

    stream = encode_frame(frame, transfer_syntax_uid=uid, source=source)

    first, second = imagecodecs.jpeg2k_decode(stream), imagecodecs.htj2k_decode(stream)
    header = read_jpeg_2000(stream)
    assert (header.precision, header.is_signed) == (12, bool(sign))
    assert np.abs(first.astype(np.int64) - second).max() <= (0 if uid in LOSSLESS_TARGETS else 1)


def test_rpcl_has_its_progression_order_lengths_ahead_and_a_small_resolution() -> None:
    stream = encode_frame(frame_of(GREY, 1), transfer_syntax_uid=syntaxes.HTJ2K_LOSSLESS_RPCL, source=GREY)

    coding = stream.index(b"\xff\x52")
    assert stream[coding + 5] == 2
    assert 70 >> stream[coding + 9] <= 64
    assert b"\xff\x55" in stream[:300]


def test_every_target_can_be_decoded_and_the_lists_are_whole() -> None:
    assert set(ENCODERS) <= DECODABLE_SYNTAXES
    assert {*LOSSLESS_TARGETS, *LOSSY_TARGETS} == set(ENCODERS)
    assert set(LOSSLESS_TARGETS) <= syntaxes.LOSSLESS_SYNTAXES
    assert set(LOSSY_TARGETS) <= syntaxes.LOSSY_SYNTAXES


@pytest.mark.parametrize("uid", [syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, syntaxes.JPEG_2000_PART_2, "1.2.3"])
def test_other_syntaxes_are_no_targets(uid: str) -> None:
    assert not can_encode(GREY, uid)
    with pytest.raises(DecodeError):
        encoded_format(GREY, uid)
    with pytest.raises(DecodeError):
        encode_frame(bytes(GREY.frame_bytes), transfer_syntax_uid=uid, source=GREY)


@pytest.mark.parametrize("uid", ENCODERS)
def test_a_frame_of_another_length_is_refused(uid: str) -> None:
    source = GREY if can_encode(GREY, uid) else PixelFormat(8, 8, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 1)

    for length in (0, source.frame_bytes - 1, source.frame_bytes + 1):
        with pytest.raises(DecodeError):
            encode_frame(bytes(length), transfer_syntax_uid=uid, source=source)


def test_lossy_jpeg_has_no_room_for_bits_beyond_those_stored() -> None:
    frame = b"\xff\xff" * 70 * 66

    with pytest.raises(DecodeError):
        encode_frame(frame, transfer_syntax_uid=syntaxes.JPEG_EXTENDED, source=GREY)


@pytest.mark.parametrize(
    ("uid", "photometric_interpretation", "expected"),
    [
        (syntaxes.JPEG_2000_LOSSLESS, "RGB", "YBR_RCT"),
        (syntaxes.HTJ2K_LOSSLESS, "RGB", "YBR_RCT"),
        (syntaxes.JPEG_2000, "RGB", "YBR_ICT"),
        (syntaxes.JPEG_2000_LOSSLESS, "YBR_FULL", "YBR_FULL"),
        (syntaxes.JPEG_LS_LOSSLESS, "RGB", "RGB"),
        (syntaxes.RLE_LOSSLESS, "YBR_FULL_422", "YBR_FULL"),
        (syntaxes.JPEG_BASELINE, "RGB", "YBR_FULL_422"),
        (syntaxes.JPEG_XL, "RGB", "XYB"),
        (syntaxes.ENCAPSULATED_UNCOMPRESSED, "YBR_FULL_422", "YBR_FULL_422"),
    ],
)
def test_the_photometric_interpretation_tells_what_the_encoder_did(
    uid: str, photometric_interpretation: str, expected: str
) -> None:
    source = PixelFormat(4, 4, 3, 8, 8, 7, 0, photometric_interpretation, 0, 1)

    assert encoded_format(source, uid).photometric_interpretation == expected
