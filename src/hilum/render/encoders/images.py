"""Single-frame media types (MT-30 to MT-33): at most 8 bits a channel; JPEG is baseline.

`quality` (1 to 100) is libjpeg's for JPEG and WebP; for JPEG 2000, HTJ2K and JPEG XL it is mapped to what their
encoders take, and 100 is lossless. Without it, JPEG has 90 and the others what looks alike.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.dicom.pixels.codestreams import read_jpeg
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import JPEG_BASELINE
from hilum.errors import InvalidRequest
from hilum.render.encoders.boxes import jp2_file, with_jp2_profile
from hilum.render.parameters import IccProfile, RenderingParameters
from hilum.render.picture import Picture, pixels_or_refuse, render_mosaic, render_picture
from hilum.render.rendering import Rendering

_DEFAULT_QUALITY: Final = 90
_LOSSLESS: Final = 100
_BASELINE: Final = frozenset({0xC0})
_CHUNK: Final = 65_519
"""Most bytes of a profile in one APP2 segment of JPEG."""


def render_jpeg(rendering: Rendering) -> bytes:
    """Return a frame as baseline JPEG; one that is stored so is sent untouched if nothing else is asked (REND-16)."""
    return _stored_jpeg(rendering) or encode_jpeg(_picture(rendering), rendering.parameters.quality)


def _picture(rendering: Rendering) -> Picture:
    if len(rendering.frame_indices) > 1:
        return render_mosaic(rendering)
    return render_picture(rendering, rendering.frame_indices[0])


def _stored_jpeg(rendering: Rendering) -> bytes | None:
    """Return the stored codestream where it shows what rendering it would, to any reader of JPEG."""
    source, layout = rendering.source, pixels_or_refuse(rendering.source).format
    asked = replace(rendering.parameters, charset="", service_url="", unsupported_annotations=())
    if len(rendering.frame_indices) > 1:
        return None
    if asked != RenderingParameters() or rendering.state is not None or source.transfer_syntax_uid != JPEG_BASELINE:
        return None
    if layout.samples_per_pixel != 3 or next(source.attributes.overlay_groups(), None):
        return None
    if "ShutterShape" in source.attributes:
        return None
    data = pixels_or_refuse(source).stored_frame(rendering.frame_indices[0])
    try:
        codestream = read_jpeg(data, _BASELINE)
    except DecodeError:
        return None
    # Without a marker of its own, every reader takes three components for YCbCr.
    says_ybr = codestream.is_ybr if codestream.is_ybr is not None else True
    is_ybr = source.attributes.text("PhotometricInterpretation") != "RGB"
    agrees = codestream.is_ybr is not None or says_ybr == is_ybr
    whole = codestream.is_whole and (codestream.rows, codestream.columns) == (layout.rows, layout.columns)
    return codestream.data.rstrip(b"\0") if agrees and whole else None


def encode_jpeg(picture: Picture, quality: int | None) -> bytes:
    """Return a picture as baseline JPEG, with its ICC profile in APP2 segments (REND-33)."""
    level = _DEFAULT_QUALITY if quality is None else quality
    data = bytes(imagecodecs.jpeg8_encode(picture.pixels, level=level))
    if not picture.icc_profile:
        return data
    chunks = [picture.icc_profile[start : start + _CHUNK] for start in range(0, len(picture.icc_profile), _CHUNK)]
    segments = b"".join(
        b"\xff\xe2%b" % (len(chunk) + 16).to_bytes(2, "big") + b"ICC_PROFILE\0" + bytes((number, len(chunks))) + chunk
        for number, chunk in enumerate(chunks, 1)
    )
    # After the JFIF segment, which must come first.
    start = 4 + int.from_bytes(data[4:6], "big") if data[2:4] == b"\xff\xe0" else 2
    return data[:start] + segments + data[start:]


def render_png(rendering: Rendering) -> bytes:
    """Return a frame as PNG."""
    return encode_png(_picture(rendering))


def encode_png(picture: Picture) -> bytes:
    """Return a picture as PNG."""
    if picture.icc_profile is None:
        return bytes(imagecodecs.png_encode(picture.pixels, level=3))
    return _by_pillow(picture, "PNG", {"compress_level": 3, "icc_profile": picture.icc_profile})


def render_gif(rendering: Rendering) -> bytes:
    """Return a frame as GIF. Raises InvalidRequest where a colour profile is asked for (REND-32)."""
    refuse_profile(rendering.parameters, "image/gif")
    return _by_pillow(_picture(rendering), "GIF", {})


def refuse_profile(parameters: RenderingParameters, media_type: str) -> None:
    """Refuse to embed a colour profile where the media type cannot carry it (REND-32)."""
    if parameters.icc_profile not in (None, IccProfile.NO):
        raise InvalidRequest(f"The parameter iccprofile must be no with {media_type}, which carries no profile here.")


def render_jp2(rendering: Rendering) -> bytes:
    """Return a frame as a JP2 file."""
    picture, quality = _picture(rendering), rendering.parameters.quality
    if quality == _LOSSLESS:
        data = imagecodecs.jpeg2k_encode(picture.pixels, codecformat="jp2", reversible=True)
    else:
        data = imagecodecs.jpeg2k_encode(picture.pixels, level=_decibels(quality), codecformat="jp2", reversible=False)
    return with_jp2_profile(bytes(data), picture.icc_profile)


def _decibels(quality: int | None) -> int:
    """Return the signal-to-noise ratio that stands for a quality."""
    return 25 + (_DEFAULT_QUALITY if quality is None else quality) // 4


def render_jph(rendering: Rendering) -> bytes:
    """Return a frame as a JPH file: High-Throughput JPEG 2000 in boxes (MT-33)."""
    picture, quality = _picture(rendering), rendering.parameters.quality
    if quality == _LOSSLESS:
        data = imagecodecs.htj2k_encode(picture.pixels, reversible=True)
    else:
        step = 0.002 + 0.0006 * (_LOSSLESS - (_DEFAULT_QUALITY if quality is None else quality))
        data = imagecodecs.htj2k_encode(picture.pixels, level=step, reversible=False)
    return jp2_file(bytes(data), picture.pixels.shape, picture.icc_profile, brand=b"jph ")


def render_jxl(rendering: Rendering) -> bytes:
    """Return a frame as JPEG XL. Raises InvalidRequest where a colour profile is asked for."""
    refuse_profile(rendering.parameters, "image/jxl")
    picture, quality = _picture(rendering), rendering.parameters.quality
    if quality == _LOSSLESS:
        return bytes(imagecodecs.jpegxl_encode(picture.pixels, lossless=True, effort=3, numthreads=1))
    distance = 0.5 + 0.12 * (_LOSSLESS - (_DEFAULT_QUALITY if quality is None else quality))
    return bytes(imagecodecs.jpegxl_encode(picture.pixels, distance=distance, effort=3, numthreads=1))


def render_webp(rendering: Rendering) -> bytes:
    """Return a frame as WebP."""
    picture, quality = _picture(rendering), rendering.parameters.quality
    options: dict[str, Any] = {"quality": _DEFAULT_QUALITY if quality is None else quality, "method": 2}
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    if max(picture.pixels.shape[:2]) > 16_383:
        raise InvalidRequest("image/webp has at most 16383 pixels a side: ask for a viewport.")
    return _by_pillow(picture, "WEBP", options)


def _thumbnail_jpeg(picture: Picture) -> bytes:
    return encode_jpeg(picture, _THUMBNAIL_QUALITY)


def _thumbnail_gif(picture: Picture) -> bytes:
    return _by_pillow(picture, "GIF", {})


def _thumbnail_webp(picture: Picture) -> bytes:
    return _by_pillow(picture, "WEBP", {"quality": _THUMBNAIL_QUALITY, "method": 2})


_THUMBNAIL_QUALITY: Final = 85

THUMBNAIL_TYPES: Final[Mapping[str, Callable[[Picture], bytes]]] = {
    "image/jpeg": _thumbnail_jpeg,
    "image/png": encode_png,
    "image/gif": _thumbnail_gif,
    "image/webp": _thumbnail_webp,
}
"""What thumbnails are offered as, the default first."""


def _by_pillow(picture: Picture, name: str, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image_of(picture.pixels).save(buffer, name, **options)
    return buffer.getvalue()


def image_of(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels as an image of Pillow."""
    return Image.fromarray(np.ascontiguousarray(pixels))
