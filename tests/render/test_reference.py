"""All packaged images against DCMTK: grey within 1 level, colour within 2, before encoding."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image

import archives
import samples
from hilum.archive.archive import Archive
from hilum.archive.pixels import decode_object, decoded_bytes
from hilum.archive.rendering.sources import source_of
from hilum.dicom.transfer_syntaxes import NATIVE_SYNTAXES, RLE_LOSSLESS
from hilum.render.extremes import extremes_of
from hilum.render.graphics.overlays import overlays_of, painted_pixels
from hilum.render.grayscale.choice import padding_of, words_of
from hilum.render.grayscale.transform import stored_values
from hilum.render.parameters import RenderingParameters, Window
from hilum.render.samples import frame_words
from hilum.render.source import Pixels, Source
from render_sources import shown

PROGRAMS = {
    "1.2.840.10008.1.2.4.50": "dcmj2pnm",
    "1.2.840.10008.1.2.4.51": "dcmj2pnm",
    "1.2.840.10008.1.2.4.57": "dcmj2pnm",
    "1.2.840.10008.1.2.4.70": "dcmj2pnm",
    "1.2.840.10008.1.2.4.80": "dcml2pnm",
    "1.2.840.10008.1.2.4.81": "dcml2pnm",
}
NATIVE = NATIVE_SYNTAXES | {RLE_LOSSLESS}

# What is not compared, and why.
EXCEPTIONS = {
    "SC_rgb_jpeg.dcm": "DCMTK refuses the codestream: it has bytes after its end marker",
    "gdcm-US-ALOKA-16.dcm": "DCMTK refuses the palette, whose values come with VR US where it wants OW",
    "gdcm-US-ALOKA-16_big.dcm": "as the one before",
    "liver_1frame.dcm": "a segmentation: shown in the colour of its segment, which DCMTK knows nothing of",
    "liver_expb_1frame.dcm": "a segmentation, as the one before",
    "eCT_Supplemental.dcm": "a supplemental palette, which DCMTK shows as grey",
    "JPEG2000-embedded-sequence-delimiter.dcm": "its codestream is broken",
    "badVR.dcm": "it does not describe its pixels",
}


def images() -> list[str]:
    """Return the packaged files with pixel data."""
    return [
        name
        for name, path in samples.packaged_objects().items()
        if name not in EXCEPTIONS and "Rows" in pydicom.dcmread(path, stop_before_pixels=True)
    ]


@pytest.mark.interop
@pytest.mark.requirement("REN-05", "REN-07")
@pytest.mark.skipif(not all(map(shutil.which, {"dcm2pnm", *PROGRAMS.values()})), reason="needs Debian's dcmtk")
@pytest.mark.filterwarnings("ignore")
def test_every_packaged_image_equals_dcmtk(archive: Archive, tmp_path: Path) -> None:
    compared = {name: difference(archive, name, tmp_path) for name in images()}

    assert {name: found for name, found in compared.items() if found is not None and found[0] > found[1]} == {}
    assert sum(found is not None for found in compared.values()) > 70


def difference(archive: Archive, name: str, folder: Path) -> tuple[int, int] | None:
    """Return the greatest difference and the one allowed; None: the file is refused at the door."""
    path = samples.packaged_objects()[name]
    if archives.take_in(archive, path.read_bytes()).failure is not None:
        return None
    instance = archives.find(archive, pydicom.dcmread(path, stop_before_pixels=True))
    uid = instance.transfer_syntax_uid
    if uid not in NATIVE and uid not in PROGRAMS:
        # DCMTK has no decoder: what ours gives is held against a second one in tests/dicom/pixels.
        decoded = decode_object(instance, archive=archive)
        path = folder / "decoded.dcm"
        path.write_bytes(b"".join(decoded_bytes(instance, decoded, archive=archive)))
    source = source_of(instance, archive=archive)
    if source.pixels is None:
        return None
    is_gray = source.pixels.format.photometric_interpretation.startswith("MONOCHROME")
    parameters, options = RenderingParameters(), list[str]()
    if is_gray:
        low, high = extremes_of(source)
        window = Window((low + high) / 2 + 0.5, max(high - low, 1.0) * 0.8 + 1)
        parameters, options = RenderingParameters(window=window), ["+Ww", str(window.center), str(window.width)]
    command = [PROGRAMS.get(uid, "dcm2pnm"), "-O", "--write-raw-pnm", *options, str(path)]
    expected = np.asarray(Image.open(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)))
    own = shown(source, parameters).astype(np.int64)
    if own.ndim > expected.ndim:
        # Doses, segmentations and supplemental palettes have colours that DCMTK does not know: test_frame_colors.py.
        return None
    difference = np.abs(own - expected)
    if is_gray:
        difference = difference[~not_of_the_image(source, source.pixels)]
    return int(difference.max(initial=0)), 1 if is_gray else 2


def not_of_the_image(source: Source, pixels: Pixels) -> NDArray[np.bool_]:
    """Return padding, which DCMTK windows and we paint black, and overlays, which it was told to leave out."""
    words, layout = frame_words(pixels.frame(0), pixels.format), words_of(pixels.format)
    padding = padding_of(source.attributes, layout)
    left_out = np.zeros(words.shape, np.bool_)
    if padding is not None:
        stored = stored_values(words, layout)
        left_out |= (stored >= padding[0]) & (stored <= padding[1])
    for overlay in overlays_of(source.attributes, 0, words):
        left_out |= painted_pixels(overlay, words.shape)
    return left_out
