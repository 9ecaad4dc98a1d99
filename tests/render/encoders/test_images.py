from __future__ import annotations

import io
from collections.abc import Callable

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image

from hilum.archive.archive import Archive
from hilum.dicom.transfer_syntaxes import JPEG_BASELINE
from hilum.errors import InvalidRequest
from hilum.render.color.profiles import well_known
from hilum.render.encoders import images
from hilum.render.parameters import IccProfile, RenderingParameters, Viewport
from hilum.render.picture import Picture
from hilum.render.rendering import Rendering
from render_sources import shown, source
from samples import make_dataset, packaged_objects

NOISE = np.random.default_rng(3).integers(0, 256, (64, 64), np.uint8)
LOSSLESS: list[tuple[Callable[[Rendering], bytes], Callable[[bytes], object], int | None]] = [
    (images.render_png, imagecodecs.png_decode, None),
    (images.render_gif, imagecodecs.gif_decode, None),
    (images.render_jp2, imagecodecs.jpeg2k_decode, 100),
    (images.render_jph, imagecodecs.htj2k_decode, 100),
    (images.render_jxl, imagecodecs.jpegxl_decode, 100),
]


def rendering(archive: Archive, parameters: RenderingParameters | None = None) -> Rendering:
    dataset = make_dataset(Rows=64, Columns=64, PixelData=NOISE.tobytes())
    return Rendering(source(archive, dataset), [0], parameters or RenderingParameters())


@pytest.mark.parametrize(("render", "decode", "quality"), LOSSLESS)
def test_what_loses_nothing_gives_the_display_values_back(
    archive: Archive, render: Callable[[Rendering], bytes], decode: Callable[[bytes], object], quality: int | None
) -> None:
    data = render(rendering(archive, RenderingParameters(quality=quality)))

    found = np.asarray(decode(data)).squeeze()
    assert (found.reshape(64, 64, -1)[..., 0] == NOISE).all()


@pytest.mark.requirement("REN-16", "REND-15")
@pytest.mark.parametrize(
    "render", [images.render_jpeg, images.render_jp2, images.render_jph, images.render_jxl, images.render_webp]
)
def test_a_higher_quality_is_never_smaller(archive: Archive, render: Callable[[Rendering], bytes]) -> None:
    sizes = [len(render(rendering(archive, RenderingParameters(quality=level)))) for level in (1, 25, 50, 75, 95)]

    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.requirement("REND-33")
@pytest.mark.parametrize("size", [100, 65_519, 65_520, 200_000])
def test_a_long_profile_is_cut_into_segments(size: int) -> None:
    profile = bytes(np.random.default_rng(1).integers(0, 256, size, np.uint8))

    data = images.encode_jpeg(Picture(np.zeros((8, 8, 3), np.uint8), profile), 90)

    assert Image.open(io.BytesIO(data)).info["icc_profile"] == profile


@pytest.mark.requirement("REND-32")
@pytest.mark.parametrize("render", [images.render_gif, images.render_jxl])
def test_types_without_profile_refuse_one(archive: Archive, render: Callable[[Rendering], bytes]) -> None:
    with pytest.raises(InvalidRequest, match="iccprofile"):
        render(rendering(archive, RenderingParameters(icc_profile=IccProfile.SRGB)))


def test_jp2_carries_the_profile(archive: Archive) -> None:
    dataset = make_dataset(
        SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, PixelData=bytes(48)
    )
    parameters = RenderingParameters(icc_profile=IccProfile.ADOBE_RGB)

    assert well_known(IccProfile.ADOBE_RGB) in images.render_jp2(Rendering(source(archive, dataset), [0], parameters))


@pytest.mark.requirement("REND-16", "REN-20")
def test_a_stored_jpeg_is_sent_untouched_if_nothing_else_is_asked(archive: Archive) -> None:
    path = packaged_objects()["SC_rgb_jpeg_dcmtk.dcm"]
    found = source(archive, pydicom.dcmread(path), path.read_bytes())
    assert found.transfer_syntax_uid == JPEG_BASELINE
    assert found.pixels is not None

    plain = images.render_jpeg(Rendering(found, [0], RenderingParameters(service_url="http://x")))
    scaled = images.render_jpeg(Rendering(found, [0], RenderingParameters(viewport=Viewport(10, 10))))

    assert plain in found.pixels.stored_frame(0)
    assert scaled != plain
    difference = np.abs(np.asarray(Image.open(io.BytesIO(plain))).astype(int) - shown(found))
    assert difference.max() <= 3
