from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

import archives
from hilum.archive.archive import Archive
from hilum.archive.rewriting.header import read_header
from hilum.archive.rewriting.objects import Treatment, rewritten
from hilum.dicom.confidentiality.burned_in import Region
from hilum.errors import NotAcceptable
from samples import encode, make_dataset, packaged_objects

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LS = "1.2.840.10008.1.2.4.80"
HALF = (Region(0, 0, 2, 4),)


def rewrite(
    archive: Archive, dataset: Dataset, syntax: str, kept: tuple[Region, ...] | None, data: bytes | None = None
) -> Dataset:
    """Store an object, and return it as rewritten."""
    instance = archives.stored(archive, dataset, data)
    form = rewritten(instance, read_header(instance, archive=archive), syntax, Treatment(kept), archive=archive)
    body = b"".join(form.chunks())
    assert form.length in (None, len(body))
    assert form.transfer_syntax_uid == syntax
    return pydicom.dcmread(io.BytesIO(body))


@pytest.mark.parametrize("stored", [EXPLICIT, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
@pytest.mark.parametrize("bits", [8, 16])
def test_native_pixels_pass_as_they_are(shared_archive: Archive, stored: str, bits: int) -> None:
    pixels = bytes(range(16)) * (bits // 8)
    dataset = make_dataset(BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1, PixelData=pixels)

    found = rewrite(shared_archive, dataset, EXPLICIT, None, encode(dataset, stored))

    assert np.array_equal(found.pixel_array, dataset.pixel_array)


def test_what_is_not_kept_is_black(shared_archive: Archive) -> None:
    dataset = make_dataset(PixelData=bytes([9] * 16))

    found = rewrite(shared_archive, dataset, EXPLICIT, HALF)

    assert found.pixel_array.tolist() == [[9, 9, 0, 0]] * 4


def test_blacked_out_pixels_come_in_a_lossless_syntax(shared_archive: Archive) -> None:
    dataset = make_dataset(PixelData=bytes([9] * 16))

    found = rewrite(shared_archive, dataset, JPEG_LS, HALF)

    assert found.pixel_array.tolist() == [[9, 9, 0, 0]] * 4
    assert "LossyImageCompression" not in found


def test_a_lossy_codestream_passes_or_is_decoded_with_its_history(shared_archive: Archive) -> None:
    path = packaged_objects()["SC_rgb_jpeg_dcmtk.dcm"]
    dataset = pydicom.dcmread(path)

    passed = rewrite(shared_archive, dataset, JPEG_BASELINE, None, path.read_bytes())
    cleaned = rewrite(shared_archive, dataset, EXPLICIT, (Region(0, 0, 50, 50),), path.read_bytes())

    assert passed.PixelData == dataset.PixelData
    assert cleaned.PhotometricInterpretation == "RGB"
    assert cleaned.LossyImageCompression == "01"
    assert cleaned.pixel_array[60:].max() == 0
    assert cleaned.pixel_array[:50, :50].max() > 0


def test_16_bits_have_no_form_in_jpeg_baseline(shared_archive: Archive) -> None:
    dataset = make_dataset(BitsAllocated=16, BitsStored=16, HighBit=15, PixelData=bytes(32))

    with pytest.raises(NotAcceptable):
        rewrite(shared_archive, dataset, JPEG_BASELINE, None)


def test_a_syntax_without_encoder_is_not_acceptable(shared_archive: Archive) -> None:
    with pytest.raises(NotAcceptable):
        rewrite(shared_archive, make_dataset(), "1.2.840.10008.1.2.4.94", None)
