from __future__ import annotations

import importlib.util
import io
import struct
import warnings
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import generate_frames
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.pixels.utils import pixel_array

from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.transcode import (
    DECODABLE_SYNTAXES,
    ENCAPSULATED_SYNTAXES,
    VIDEO_SYNTAXES,
    PixelFormat,
    decode_frame,
    decoded_format,
    native_value,
    pixel_format,
)
from hilum.dicom.reading.heads import explicit_little_endian_head
from hilum.dicom.reading.instance import DecodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 10_000_000
GREY = PixelFormat(32, 24, 1, 16, 16, 15, 0, "MONOCHROME2", 0, 1)
COLOUR = PixelFormat(32, 24, 3, 8, 8, 7, 0, "RGB", 0, 1)
META_START = 132

NO_IMAGES = {
    # Its data set is broken before the pixels.
    "UN_sequence.dcm",
    # It ends before its image attributes.
    "emri_small_jpeg_2k_lossless_too_short.dcm",
}
UNDECODABLE = {
    # A sequence delimiter stands inside the size marker of its codestream.
    "JPEG2000-embedded-sequence-delimiter.dcm",
}
IMPLICIT = {
    # Its data set is in Implicit VR, which no encapsulated syntax allows.
    "SC_rgb_jpeg.dcm",
}
BEYOND_PYDICOM = {
    # 12 bits; none of pydicom's decoders that are installed has them.
    "JPEG-lossy.dcm",
    "JPGExtended.dcm",
}


def packaged_folders() -> list[Path]:
    """Folders of files that come with pydicom and pydicom-data; nothing is downloaded."""
    folders = []
    for package, folder in (("pydicom", "data/test_files"), ("data_store", "data")):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        folders += [Path(location) / folder for location in spec.submodule_search_locations or ()]
    return folders


def compressed_files() -> list[Path]:
    found = []
    for folder in packaged_folders():
        for path in sorted(folder.glob("*.dcm")):
            try:
                meta = read_file_meta_info(path)
            except InvalidDicomError:
                continue
            if meta.get("TransferSyntaxUID", "") in ENCAPSULATED_SYNTAXES and path.name not in NO_IMAGES:
                found.append(path)
    return found


PACKAGED = compressed_files()


@cache
def dataset(path: Path) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return pydicom.dcmread(path)


def layout(path: Path) -> PixelFormat:
    image = dataset(path).group_dataset(0x0028)
    return pixel_format({tag: element for tag, element in image.to_json_dict().items() if tag <= "00280103"})


def frames(path: Path) -> list[bytes]:
    ds, number = dataset(path), layout(path).number_of_frames
    return list(generate_frames(ds.PixelData, number_of_frames=number))


def decode(codestream: bytes, uid: str, source: PixelFormat) -> bytes:
    frame = decode_frame(codestream, transfer_syntax_uid=uid, source=source, max_pixels=MAX_PIXELS)
    assert len(frame) == decoded_format(source, uid).frame_bytes
    return frame


def decoded_object(path: Path, limit: int) -> bytes:
    """Return the file with its first frames decoded, put together as retrieval does."""
    stored, source = path.read_bytes(), layout(path)
    uid = dataset(path).file_meta.TransferSyntaxUID
    target = replace(decoded_format(source, uid), number_of_frames=min(limit, source.number_of_frames))
    (group_length,) = struct.unpack_from("<I", stored, META_START + 8)
    start = META_START + 12 + group_length
    stop = max(stored.rfind(b"\xe0\x7f\x10\0" + vr + b"\0\0\xff\xff\xff\xff") for vr in (b"OB", b"OW"))
    head = explicit_little_endian_head(stored[:start], stored[start:stop], target=target)
    decoded = (decode(frame, uid, source) for frame in frames(path)[:limit])
    return head + b"".join(native_value(decoded, target))


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: path.name)
def test_packaged_images_decode_to_what_pydicom_decodes(path: Path) -> None:
    ds, source = dataset(path), layout(path)
    uid = ds.file_meta.TransferSyntaxUID
    if path.name in UNDECODABLE:
        with pytest.raises(DecodeError):
            decode(frames(path)[0], uid, source)
        return

    if path.name in IMPLICIT:
        with pytest.raises(DecodeError, match="value representation"):
            decoded_object(path, 2)
        assert decode(frames(path)[0], uid, source) == ds.pixel_array.tobytes()
        return

    native = pydicom.dcmread(io.BytesIO(decoded_object(path, 2)))
    native.NumberOfFrames = min(2, source.number_of_frames)

    if path.name in BEYOND_PYDICOM:
        assert 0 < native.pixel_array.max() < 2**12
        return
    pixels = native.pixel_array
    expected = np.stack([pixel_array(ds, index=index) for index in range(native.NumberOfFrames)])
    if source.number_of_frames == 1:
        expected = expected[0]
    assert (pixels.shape, pixels.dtype) == (expected.shape, expected.dtype)
    difference = np.abs(pixels.astype(np.int64) - expected.astype(np.int64)).max()
    assert difference <= (1 if uid in syntaxes.LOSSY_SYNTAXES else 0)


def test_packaged_images_are_of_many_syntaxes() -> None:
    assert len(PACKAGED) > 50
    assert len({dataset(path).file_meta.TransferSyntaxUID for path in PACKAGED}) >= 8


def test_every_encapsulated_syntax_but_videos_is_decoded() -> None:
    assert DECODABLE_SYNTAXES == ENCAPSULATED_SYNTAXES - VIDEO_SYNTAXES
    for uid in (*VIDEO_SYNTAXES, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, "1.2.3"):
        with pytest.raises(DecodeError):
            decode_frame(b"", transfer_syntax_uid=uid, source=GREY, max_pixels=MAX_PIXELS)
        with pytest.raises(DecodeError):
            decoded_format(GREY, uid)


def image(source: PixelFormat, seed: int = 0) -> NDArray[np.int64]:
    """Return smooth samples that use the stored bits, signed or not as the layout says."""
    noise = np.random.default_rng(seed).integers(-3, 4, (source.rows, source.columns, source.samples_per_pixel))
    steps: NDArray[np.int64] = np.cumsum(np.cumsum(noise, axis=0), axis=1)
    low = -(2 ** (source.bits_stored - 1)) if source.pixel_representation else 0
    clipped: NDArray[np.int64] = np.clip(
        steps * 2 + low // 2 + 2 ** (source.bits_stored - 1) // 2, low, low + 2**source.bits_stored - 1
    )
    return clipped


def words(samples: NDArray[np.int64], source: PixelFormat) -> bytes:
    kind = "i" if source.pixel_representation else "u"
    return samples.astype(f"<{kind}{source.bits_allocated // 8}").tobytes()


def encoded(uid: str, samples: NDArray[np.int64], source: PixelFormat) -> bytes:
    """Encode losslessly; signed samples of the codecs without signs as their low bits."""
    bits = source.bits_stored
    word = "u1" if bits <= 8 else "u2" if bits <= 16 else "u4"
    unsigned = (samples & (2**bits - 1)).astype(word)
    if source.samples_per_pixel == 1:
        samples, unsigned = samples[:, :, 0], unsigned[:, :, 0]
    if uid in {syntaxes.JPEG_2000_LOSSLESS, syntaxes.HTJ2K_LOSSLESS}:
        signed = samples.astype(word.replace("u", "i")) if source.pixel_representation else unsigned
        if uid == syntaxes.HTJ2K_LOSSLESS:
            return bytes(imagecodecs.htj2k_encode(signed))
        return bytes(imagecodecs.jpeg2k_encode(signed, codecformat="j2k", reversible=True, level=0, bitspersample=bits))
    if uid == syntaxes.JPEG_LS_LOSSLESS:
        # This encoder has samples of 8 or 16 bits alone.
        return bytes(imagecodecs.jpegls_encode(samples.astype(word)))
    if uid == syntaxes.JPEG_XL_LOSSLESS:
        return bytes(imagecodecs.jpegxl_encode(unsigned, lossless=True, bitspersample=bits))
    assert uid == syntaxes.JPEG_LOSSLESS
    return bytes(
        imagecodecs.jpeg8_encode(unsigned, lossless=True, bitspersample=bits, colorspace="RGB", outcolorspace="RGB")
        if source.samples_per_pixel == 3
        else imagecodecs.jpeg8_encode(unsigned, lossless=True, bitspersample=bits),
    )


LOSSLESS_ENCODED = (
    syntaxes.JPEG_LOSSLESS,
    syntaxes.JPEG_LS_LOSSLESS,
    syntaxes.JPEG_2000_LOSSLESS,
    syntaxes.HTJ2K_LOSSLESS,
    syntaxes.JPEG_XL_LOSSLESS,
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(LOSSLESS_ENCODED),
    st.integers(8, 40),
    st.integers(8, 40),
    st.sampled_from([1, 3]),
    st.sampled_from([(8, 8), (16, 8), (16, 10), (16, 12), (16, 16)]),
    st.integers(0, 1),
)
def test_lossless_codestreams_give_back_every_sample(
    uid: str,
    rows: int,
    columns: int,
    samples_per_pixel: int,
    bits: tuple[int, int],
    pixel_representation: int,
) -> None:
    allocated, stored = bits
    photometric_interpretation = "RGB" if samples_per_pixel == 3 else "MONOCHROME2"
    source = PixelFormat(
        rows,
        columns,
        samples_per_pixel,
        allocated,
        stored,
        stored - 1,
        pixel_representation,
        photometric_interpretation,
        0,
        1,
    )
    samples = image(source, rows * columns)

    assert decode(encoded(uid, samples, source), uid, source) == words(samples, source)


@pytest.mark.parametrize("pixel_representation", [0, 1])
def test_samples_of_32_bits_are_decoded(pixel_representation: int) -> None:
    source = replace(GREY, bits_allocated=32, bits_stored=24, pixel_representation=pixel_representation)
    samples = image(source)
    wide = samples[:, :, 0].astype(f"{'i' if pixel_representation else 'u'}4")

    codestream = bytes(imagecodecs.jpeg2k_encode(wide, codecformat="j2k", reversible=True, level=0))

    assert decode(codestream, syntaxes.JPEG_2000_LOSSLESS, source) == words(samples, source)


@pytest.mark.parametrize("uid", [*LOSSLESS_ENCODED, syntaxes.JPEG_BASELINE, syntaxes.RLE_LOSSLESS])
def test_a_codestream_that_is_cut_short_is_refused(uid: str) -> None:
    source = replace(GREY, bits_allocated=8, bits_stored=8) if uid == syntaxes.JPEG_BASELINE else GREY
    whole = CODESTREAMS[uid]

    assert decode(whole + bytes(len(whole) % 2), uid, source)
    for length in range(0, len(whole) - 2, 7):
        with pytest.raises(DecodeError):
            decode(whole[:length], uid, source)


def rle(planes: list[bytes]) -> bytes:
    """Encode byte planes as literal runs (PS3.5 G.3)."""
    segments = []
    for plane in planes:
        runs = [bytes([len(run) - 1]) + run for run in (plane[at : at + 128] for at in range(0, len(plane), 128))]
        segment = b"".join(runs)
        segments.append(segment + b"\x80" * (len(segment) % 2))
    offsets = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


@settings(max_examples=30)
@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]), st.sampled_from([8, 16, 32]))
def test_rle_planes_become_words_by_pixel(rows: int, columns: int, samples_per_pixel: int, bits: int) -> None:
    source = replace(COLOUR, rows=rows, columns=columns, samples_per_pixel=samples_per_pixel, bits_allocated=bits)
    size = bits // 8
    pixels = np.arange(source.frame_bytes, dtype=np.uint32).astype(np.uint8).reshape(-1, samples_per_pixel, size)

    planes = [pixels[:, s, b].tobytes() for s in range(samples_per_pixel) for b in reversed(range(size))]

    assert decode(rle(planes), syntaxes.RLE_LOSSLESS, source) == pixels.tobytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(64),
        rle([bytes(768)] * 2),
        rle([bytes(767)]),
        rle([bytes(769)]),
        rle([bytes(768)])[:-1],
        rle([b"\x81\x00" * 9000]),
        struct.pack("<16I", 1, 63, *[0] * 14) + rle([bytes(768)])[64:],
        struct.pack("<16I", 1, 2**31, *[0] * 14) + rle([bytes(768)])[64:],
        struct.pack("<16I", 2**32 - 1, *[64] * 15),
    ],
)
def test_broken_rle_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data, syntaxes.RLE_LOSSLESS, replace(GREY, bits_allocated=8))


def test_deflated_and_uncompressed_frames_are_native_bytes() -> None:
    source = replace(COLOUR, planar_configuration=1, rows=5, columns=5)
    frame = bytes(range(75))
    packer = zlib.compressobj(wbits=-15)
    deflated = packer.compress(frame) + packer.flush()

    assert decode(frame + b"\0", syntaxes.ENCAPSULATED_UNCOMPRESSED, source) == frame
    assert decode(deflated + b"\0", syntaxes.DEFLATED_IMAGE_FRAME, source) == frame
    assert decoded_format(source, syntaxes.DEFLATED_IMAGE_FRAME) == source
    for uid, data in (
        (syntaxes.ENCAPSULATED_UNCOMPRESSED, frame[:-1]),
        (syntaxes.ENCAPSULATED_UNCOMPRESSED, frame + b"\0\0"),
        (syntaxes.DEFLATED_IMAGE_FRAME, deflated[:-5]),
        (syntaxes.DEFLATED_IMAGE_FRAME, b"\xff" * 9),
        (syntaxes.DEFLATED_IMAGE_FRAME, zlib.compress(frame)),
    ):
        with pytest.raises(DecodeError):
            decode(data, uid, source)


def test_a_deflated_bomb_inflates_no_further_than_its_frame() -> None:
    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush()

    with pytest.raises(DecodeError, match="length"):
        decode(bomb, syntaxes.DEFLATED_IMAGE_FRAME, GREY)


@pytest.mark.requirement("WADO-53")
@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (4, 4), (1, 1), (5, 7)])
def test_one_bit_frames_are_joined_bit_by_bit(rows: int, columns: int) -> None:
    source = replace(GREY, rows=rows, columns=columns, bits_allocated=1, bits_stored=1, high_bit=0, number_of_frames=5)
    bits = np.random.default_rng(1).integers(0, 2, (5, rows * columns), np.uint8)
    packed = [np.packbits(frame, bitorder="little").tobytes() for frame in bits]

    value = b"".join(native_value((decode(f, syntaxes.ENCAPSULATED_UNCOMPRESSED, source) for f in packed), source))

    assert len(value) == source.value_bytes
    assert value.rstrip(b"\0") == np.packbits(bits, bitorder="little").tobytes().rstrip(b"\0")


def test_one_bit_samples_of_jpeg_2000_are_packed() -> None:
    source = replace(GREY, bits_allocated=1, bits_stored=1, high_bit=0)
    samples = np.random.default_rng(2).integers(0, 2, (source.rows, source.columns), np.uint8)
    codestream = bytes(
        imagecodecs.jpeg2k_encode(samples, codecformat="j2k", reversible=True, level=0, bitspersample=1),
    )

    frame = decode(codestream, syntaxes.JPEG_2000_LOSSLESS, source)

    assert frame == np.packbits(samples, bitorder="little").tobytes()


@pytest.mark.parametrize(
    ("photometric_interpretation", "uid", "decoded"),
    [
        ("YBR_FULL_422", syntaxes.JPEG_BASELINE, "RGB"),
        ("YBR_FULL", syntaxes.JPEG_EXTENDED, "RGB"),
        ("YBR_FULL", syntaxes.JPEG_LOSSLESS, "YBR_FULL"),
        ("YBR_RCT", syntaxes.JPEG_2000_LOSSLESS, "RGB"),
        ("YBR_ICT", syntaxes.HTJ2K, "RGB"),
        ("YBR_FULL", syntaxes.JPEG_2000, "YBR_FULL"),
        ("YBR_FULL_422", syntaxes.RLE_LOSSLESS, "YBR_FULL"),
        ("YBR_FULL_422", syntaxes.JPEG_XL_RECOMPRESSION, "RGB"),
        ("YBR_FULL_422", syntaxes.DEFLATED_IMAGE_FRAME, "YBR_FULL_422"),
    ],
)
def test_colours_after_decoding(photometric_interpretation: str, uid: str, decoded: str) -> None:
    source = replace(COLOUR, photometric_interpretation=photometric_interpretation, planar_configuration=1)

    target = decoded_format(source, uid)

    assert target.photometric_interpretation == decoded
    assert target.planar_configuration == (1 if decoded == "YBR_FULL_422" else 0)


def test_the_colours_of_jpeg_are_those_of_its_markers_before_those_of_the_data_set() -> None:
    pixels = np.zeros((32, 24, 3), np.uint8)
    pixels[:] = (200, 60, 30)
    as_ybr = bytes(imagecodecs.jpeg8_encode(pixels, level=95))
    as_rgb = bytes(imagecodecs.jpeg8_encode(pixels, level=95, colorspace="RGB", outcolorspace="RGB"))

    for stream in (as_ybr, as_rgb):
        for name in ("RGB", "YBR_FULL", "YBR_FULL_422"):
            source = replace(COLOUR, photometric_interpretation=name)
            frame = np.frombuffer(decode(stream, syntaxes.JPEG_BASELINE, source), np.uint8).reshape(32, 24, 3)
            assert np.abs(frame.astype(int) - pixels).max() <= 2


def test_a_recompressed_jpeg_decodes_as_the_jpeg_did() -> None:
    source = replace(COLOUR, photometric_interpretation="YBR_FULL_422")
    pixels = np.zeros((32, 24, 3), np.uint8)
    pixels[:] = np.arange(24)[:, None] * 4 + (20, 60, 90)
    jpeg = bytes(imagecodecs.jpeg8_encode(pixels, level=90, subsampling="444"))
    recompressed = bytes(imagecodecs.jpegxl_encode_jpeg(jpeg, usecontainer=True))

    before = np.frombuffer(decode(jpeg, syntaxes.JPEG_BASELINE, source), np.uint8).astype(int)
    after = np.frombuffer(decode(recompressed, syntaxes.JPEG_XL_RECOMPRESSION, source), np.uint8).astype(int)

    assert np.abs(before - after).max() <= 2


HOSTILE = {
    syntaxes.JPEG_BASELINE: b"\xff\xd8\xff\xc0\0\x0b\x08\xea\x60\xea\x60\x01\x01\x11\0" + bytes(900),
    syntaxes.JPEG_LOSSLESS: b"\xff\xd8\xff\xc3\0\x0b\x08\xea\x60\xea\x60\x01\x01\x11\0" + bytes(900),
    syntaxes.JPEG_LS_LOSSLESS: b"\xff\xd8\xff\xf7\0\x0b\x08\xea\x60\xea\x60\x01\x01\x11\0" + bytes(900),
    syntaxes.JPEG_2000: (
        b"\xff\x4f\xff\x51"
        + struct.pack(">HHIIIIIIIIH", 41, 0, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1)
        + b"\7\1\1"
        + bytes(900)
    ),
    syntaxes.JPEG_XL: b"\xff\x0a" + (0b111_000 << 0 | 59999 << 3 | 2 << 1).to_bytes(6, "little") + bytes(900),
}


@pytest.mark.parametrize("uid", HOSTILE)
def test_claimed_sizes_are_checked_before_anything_is_allocated(uid: str) -> None:
    large = replace(GREY, rows=60000, columns=60000)

    with pytest.raises(DecodeError, match="more samples"):
        decode(HOSTILE[uid], uid, large)
    with pytest.raises(DecodeError, match=r"rows and columns|header|begin"):
        decode(HOSTILE[uid], uid, GREY)


@pytest.mark.parametrize("uid", LOSSLESS_ENCODED)
def test_a_codestream_that_contradicts_the_data_set_is_refused(uid: str) -> None:
    source = replace(GREY, bits_stored=12)
    codestream = encoded(uid, image(source), source)

    for other in (
        replace(source, rows=source.rows + 1),
        replace(source, columns=source.columns - 1),
        replace(source, samples_per_pixel=3, photometric_interpretation="RGB"),
        replace(source, bits_allocated=8, bits_stored=8),
    ):
        with pytest.raises(DecodeError):
            decode(codestream, uid, other)


CODESTREAMS = {uid: encoded(uid, image(GREY), GREY) for uid in LOSSLESS_ENCODED} | {
    syntaxes.JPEG_BASELINE: bytes(imagecodecs.jpeg8_encode(image(GREY)[:, :, 0].astype(np.uint8))),
    syntaxes.RLE_LOSSLESS: rle([bytes(768), bytes(768)]),
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(CODESTREAMS)), st.data())
def test_mutated_codestreams_are_a_frame_or_a_decode_error(uid: str, data: st.DataObject) -> None:
    codestream = bytearray(CODESTREAMS[uid])
    for _ in range(data.draw(st.integers(0, 4))):
        codestream[data.draw(st.integers(0, len(codestream) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(codestream)))

    try:
        decode(bytes(codestream[:length] if data.draw(st.booleans()) else codestream), uid, GREY)
    except DecodeError:
        return
