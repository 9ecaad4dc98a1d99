from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from lxml import etree
from PIL import Image
from pydicom.dataset import Dataset

from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.parameters import RenderingParameters, Viewport
from hilum.render.rendering import Rendering
from hilum.render.representations import Category, category_of, types_for
from hilum.render.waveforms.encoders import render_pdf, render_png, render_svg
from report_objects import channel, make_report, make_waveform, rendering_of
from samples import packaged_objects


@pytest.fixture(scope="module")
def ecg() -> Dataset:
    return pydicom.dcmread(packaged_objects()["waveform_ecg.dcm"])


def test_waveforms_are_offered_as_images_and_pdf(ecg: Dataset) -> None:
    source = rendering_of(ecg).source

    assert category_of(source, 0) is Category.OTHER
    assert types_for(source, Category.OTHER) == ("image/png", "image/svg+xml", "application/pdf")


def test_svg_is_true_to_scale(ecg: Dataset) -> None:
    root = etree.fromstring(render_svg(rendering_of(ecg)))

    assert root.get("width") == "278mm"
    assert str(root.get("viewBox")).startswith("0 0 278 ")
    names = [str(element.text) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"I", "aVR", "V6", "25 mm/s   10 mm/mV   0.05-300 Hz   1000 samples/s"} <= set(names)


def test_png_has_grid_and_trace(ecg: Dataset) -> None:
    image = Image.open(io.BytesIO(render_png(rendering_of(ecg)))).convert("RGB")
    pixels = np.asarray(image)

    assert image.width == 278 * 8
    assert round(image.info["dpi"][0]) == 203
    assert (pixels.sum(axis=2) < 60).mean() > 0.002
    is_red = (pixels[..., 0] > 200) & (pixels[..., 1] < 190)
    assert is_red.mean() > 0.03


def test_png_fits_the_viewport(ecg: Dataset) -> None:
    rendering = rendering_of(ecg, RenderingParameters(viewport=Viewport(800, 600)))

    image = Image.open(io.BytesIO(render_png(rendering)))

    assert image.height == 600
    assert image.width <= 800


def test_a_sheet_that_is_too_large_is_refused(ecg: Dataset) -> None:
    with pytest.raises(PayloadTooLarge):
        render_png(Rendering(rendering_of(ecg).source, [], RenderingParameters(), max_pixels=1000))


def test_pdf_has_a_page_for_each_group(ecg: Dataset) -> None:
    data = render_pdf(rendering_of(ecg))

    assert data.startswith(b"%PDF-1.")
    assert b"/Count 2" in data


def test_hostile_names_are_escaped() -> None:
    dataset = make_waveform(np.zeros((10, 1), np.int16), [channel("</text><script>&\0", "1")], 10.0)

    root = etree.fromstring(render_svg(rendering_of(dataset)))

    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_what_has_no_waveform_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptable):
        render_svg(rendering_of(make_report()))
