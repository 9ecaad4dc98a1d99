from __future__ import annotations

import io

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from hilum.dicom.pixels.history import compressed, decompressed, is_lossy


def data_set(elements: dict[int, bytes]) -> Dataset:
    data = b"".join(elements[tag] for tag in sorted(elements))
    return read_dataset(io.BytesIO(data), is_implicit_VR=False, is_little_endian=True)


def test_the_first_lossy_compression_is_told() -> None:
    dataset = data_set(compressed({}, method="ISO_10918_1", ratio=7.128))

    assert dataset.LossyImageCompression == "01"
    assert dataset.LossyImageCompressionRatio == 7.13
    assert dataset.LossyImageCompressionMethod == "ISO_10918_1"
    assert list(dataset.ImageType) == ["DERIVED", "SECONDARY"]
    assert dataset.DerivationDescription == "Lossy compression ISO_10918_1, ratio 7.1"
    code = dataset.DerivationCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == ("113040", "DCM", "Lossy Compression")


def test_earlier_compressions_stay_in_front() -> None:
    earlier = {0x00282112: b"2\\3", 0x00282114: b"A\\B", 0x00080008: b"ORIGINAL\\PRIMARY\\AXIAL", 0x00089215: b""}

    changed = compressed(earlier, method="ISO_14495_1", ratio=4)
    dataset = data_set(changed)

    assert [float(ratio) for ratio in dataset.LossyImageCompressionRatio] == [2, 3, 4]
    assert list(dataset.LossyImageCompressionMethod) == ["A", "B", "ISO_14495_1"]
    assert list(dataset.ImageType) == ["DERIVED", "PRIMARY", "AXIAL"]
    assert 0x00089215 not in changed


@pytest.mark.parametrize("tag", [0x52009229, 0x52009230, 0x00280008])
def test_multi_frame_objects_keep_what_they_say_of_each_frame(tag: int) -> None:
    changed = compressed({tag: b"", 0x00080008: b"ORIGINAL\\PRIMARY"}, method="ISO_15444_1", ratio=9)

    assert set(changed) == {0x00282110, 0x00282112, 0x00282114}


def test_a_description_without_room_stays_as_it_is() -> None:
    changed = compressed({0x00082111: b"x" * 1020}, method="ISO_15444_1", ratio=9)

    assert 0x00082111 not in changed


def test_decompressed_pixels_tell_of_a_compression_that_was_not_told() -> None:
    dataset = data_set(decompressed({}, method="ISO_10918_1", ratio=5))

    assert dataset.LossyImageCompression == "01"
    assert dataset.LossyImageCompressionRatio == 5
    assert decompressed({0x00282110: b"01"}, method="ISO_10918_1", ratio=5) == {}
    assert decompressed({}, method="", ratio=5) == {}


@pytest.mark.parametrize(("value", "expected"), [(b"01", True), (b"00", False), (b"", False)])
def test_lossy_is_what_says_so(value: bytes, expected: bool) -> None:
    assert is_lossy({0x00282110: value}) is expected
