from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from hilum.dicom.building.contents import FileRange
from hilum.dicom.building.images import Bounds, Images, read_images
from hilum.dicom.reading.instance import DecodeError

RGB = np.random.default_rng(5).integers(0, 255, (24, 32, 3), dtype=np.uint8)
GREY = RGB[..., 0].copy()
DEEP = np.random.default_rng(5).integers(0, 4095, (24, 32), dtype=np.uint16)
BOUNDS = Bounds(2**24, 2**24)


@dataclass(frozen=True)
class Bench:
    folder: Path
    spool: BinaryIO


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with tempfile.TemporaryFile(dir=tmp_path) as spool:
        yield Bench(tmp_path, spool)


def picture(form: str, samples: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, form, **options)
    return buffer.getvalue()


def images_of(bench: Bench, media_type: str, *files: bytes | bytearray, bounds: Bounds = BOUNDS) -> Images:
    parts = []
    for number, data in enumerate(files):
        path = bench.folder / str(number)
        path.write_bytes(data)
        parts.append(FileRange(path, 0, len(data)))
    return read_images(media_type, parts, bounds, lambda: bench.spool)


def frame(images: Images) -> bytes:
    return b"".join(chunk for one in images.frames for chunk in one.chunks())


@pytest.mark.requirement("STOW-24", "STOW-25")
@pytest.mark.parametrize(
    ("media_type", "data", "syntax", "form"),
    [
        ("image/jpeg", picture("JPEG", RGB), "4.50", (3, 8, "YBR_FULL_422")),
        ("image/jpeg", picture("JPEG", RGB, subsampling=0), "4.50", (3, 8, "YBR_FULL")),
        ("image/jpeg", picture("JPEG", GREY), "4.50", (1, 8, "MONOCHROME2")),
        ("image/jpeg", imagecodecs.ljpeg_encode(DEEP, bitspersample=12), "4.57", (1, 12, "MONOCHROME2")),
        ("image/jls", imagecodecs.jpegls_encode(DEEP), "4.80", (1, 12, "MONOCHROME2")),
        ("image/jls", imagecodecs.jpegls_encode(GREY, level=3), "4.81", (1, 8, "MONOCHROME2")),
        ("image/jp2", imagecodecs.jpeg2k_encode(GREY, codecformat="jp2"), "4.90", (1, 8, "MONOCHROME2")),
        ("image/jp2", imagecodecs.jpeg2k_encode(RGB, level=50, reversible=False), "4.91", (3, 8, "YBR_ICT")),
        ("image/jphc", imagecodecs.htj2k_encode(GREY), "4.201", (1, 8, "MONOCHROME2")),
        ("image/jxl", imagecodecs.jpegxl_encode(RGB), "4.112", (3, 8, "RGB")),
    ],
)
def test_what_dicom_has_a_syntax_for_is_kept(
    bench: Bench, media_type: str, data: bytes, syntax: str, form: tuple[int, int, str]
) -> None:
    images = images_of(bench, media_type, data)

    found = images.format
    assert found.transfer_syntax_uid == f"1.2.840.10008.1.2.{syntax}"
    assert (found.rows, found.columns) == (24, 32)
    assert (found.samples_per_pixel, found.bits_allocated, found.photometric_interpretation) == (
        form[0],
        8 if form[1] <= 8 else 16,
        form[2],
    )
    assert frame(images) in data


@pytest.mark.requirement("STOW-26")
@pytest.mark.parametrize(
    ("media_type", "data", "pixels"),
    [
        ("image/png", picture("PNG", RGB), RGB),
        ("image/png", picture("PNG", np.dstack([RGB, GREY])), RGB),
        ("image/png", imagecodecs.png_encode(DEEP), DEEP),
    ],
)
def test_png_is_decoded_without_loss_and_without_alpha(bench: Bench, media_type: str, data: bytes, pixels: Any) -> None:
    images = images_of(bench, media_type, data)

    assert (frame(images), images.format.lossy_method) == (pixels.tobytes(), "")


@pytest.mark.requirement("STOW-23")
def test_a_progressive_jpeg_is_decoded_and_stays_lossy(bench: Bench) -> None:
    images = images_of(bench, "image/jpeg", picture("JPEG", RGB, progressive=True))

    assert (images.format.transfer_syntax_uid, images.format.lossy_method) == ("1.2.840.10008.1.2.1", "ISO_10918_1")
    assert len(frame(images)) == RGB.size


@pytest.mark.requirement("STOW-26")
def test_an_animated_gif_has_whole_frames(bench: Bench) -> None:
    data = picture("GIF", RGB, save_all=True, append_images=[Image.fromarray(255 - RGB)])

    images = images_of(bench, "image/gif", data)

    assert (images.count, len(frame(images))) == (2, 2 * RGB.size)


def test_frames_that_differ_in_form_are_refused(bench: Bench) -> None:
    with pytest.raises(DecodeError, match="differ"):
        images_of(bench, "image/jpeg", picture("JPEG", RGB), picture("JPEG", GREY))


@pytest.mark.parametrize("media_type", ["image/png", "image/gif", "image/jxl"])
def test_what_claims_more_pixels_than_allowed_is_not_decoded(bench: Bench, media_type: str) -> None:
    files = {
        "image/png": picture("PNG", RGB),
        "image/gif": picture("GIF", RGB),
        "image/jxl": imagecodecs.jpegxl_encode(RGB),
    }

    with pytest.raises(DecodeError, match="larger"):
        images_of(bench, media_type, files[media_type], bounds=Bounds(2**20, 100))
    with pytest.raises(DecodeError, match="larger"):
        images_of(bench, media_type, files[media_type], bounds=Bounds(10, 2**20))


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/jls", "image/jp2", "image/jxl", "image/png", "image/gif"])
@pytest.mark.parametrize(
    "data", [b"", b"junk", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"GIF89a" + bytes(8)]
)
def test_broken_files_are_refused(bench: Bench, media_type: str, data: bytes) -> None:
    with pytest.raises(DecodeError):
        images_of(bench, media_type, data)
