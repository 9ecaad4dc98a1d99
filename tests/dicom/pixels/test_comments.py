from __future__ import annotations

import contextlib
import io

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hilum.dicom.pixels.comments import without_comments
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import (
    HTJ2K,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LS_NEAR_LOSSLESS,
    JPEG_XL,
    RLE_LOSSLESS,
)

SECRET = b"DOE^JANE"
PIXELS = np.random.default_rng(5).integers(0, 255, (24, 32), dtype=np.uint8)


def jpeg(*, progressive: bool = False) -> bytes:
    target = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    Image.fromarray(PIXELS).save(target, "jpeg", comment=SECRET, exif=exif, progressive=progressive)
    return target.getvalue()


def with_segment(codestream: bytes, marker: bytes, text: bytes, at: int = 2) -> bytes:
    return codestream[:at] + marker + (len(text) + 2).to_bytes(2, "big") + text + codestream[at:]


def jpeg_2000() -> bytes:
    codestream = bytes(imagecodecs.jpeg2k_encode(PIXELS, level=40, codecformat="j2k"))
    # Behind the segment SIZ, which has to come first.
    size = 4 + int.from_bytes(codestream[4:6], "big")
    return with_segment(codestream, b"\xff\x64", b"\0\1" + SECRET, size)


@pytest.mark.requirement("DEID-01")
@pytest.mark.parametrize("progressive", [False, True])
def test_comments_and_exif_of_jpeg_go_and_the_picture_stays(progressive: bool) -> None:
    codestream = jpeg(progressive=progressive) + SECRET

    cleaned = without_comments(codestream, JPEG_BASELINE)

    assert SECRET in codestream
    assert SECRET not in cleaned
    assert len(cleaned) == len(codestream)
    assert (imagecodecs.jpeg8_decode(cleaned) == imagecodecs.jpeg8_decode(codestream)).all()


@pytest.mark.requirement("DEID-01")
def test_comments_of_jpeg_ls_go_and_the_picture_stays() -> None:
    codestream = with_segment(bytes(imagecodecs.jpegls_encode(PIXELS, level=3)), b"\xff\xfe", SECRET)

    cleaned = without_comments(codestream, JPEG_LS_NEAR_LOSSLESS)

    assert SECRET not in cleaned
    assert (imagecodecs.jpegls_decode(cleaned) == imagecodecs.jpegls_decode(codestream)).all()


@pytest.mark.requirement("DEID-01")
@pytest.mark.parametrize("syntax", [JPEG_2000, HTJ2K])
def test_comments_of_jpeg_2000_go_and_the_picture_stays(syntax: str) -> None:
    codestream = jpeg_2000() + SECRET

    cleaned = without_comments(codestream, syntax)

    assert codestream.count(SECRET) == 2
    assert SECRET not in cleaned
    assert len(cleaned) == len(codestream)
    assert (imagecodecs.jpeg2k_decode(cleaned) == imagecodecs.jpeg2k_decode(codestream)).all()


@pytest.mark.parametrize(
    ("data", "syntax"),
    [
        (b"", JPEG_BASELINE),
        (jpeg()[:40], JPEG_BASELINE),
        (jpeg()[:-900], JPEG_2000),
        (jpeg_2000()[:60], JPEG_2000),
        (imagecodecs.jpeg2k_encode(PIXELS, codecformat="jp2"), JPEG_2000),
        (b"\0\0\0\x0cJXL \r\n\x87\n", JPEG_XL),
        (b"\0" * 64, RLE_LOSSLESS),
    ],
)
def test_what_cannot_be_searched_is_refused(data: bytes, syntax: str) -> None:
    with pytest.raises(DecodeError):
        without_comments(data, syntax)


@given(st.sampled_from([JPEG_BASELINE, JPEG_2000, JPEG_XL]), st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_cleaned_or_refused(syntax: str, data: bytes, cut: int) -> None:
    good = jpeg() if syntax == JPEG_BASELINE else jpeg_2000()

    for broken in (data, good[:cut] + data + good[cut:]):
        with contextlib.suppress(DecodeError):
            assert len(without_comments(broken, syntax)) == len(broken)
