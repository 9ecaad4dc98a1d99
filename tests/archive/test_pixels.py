from __future__ import annotations

import io
import warnings

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from archives import stored, take_in
from hilum.archive.archive import Archive
from hilum.archive.objects import frames_of
from hilum.archive.pixels import DecodedObject, decode_object, decoded_bytes, decoded_frame, pixel_format_of
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance
from samples import encode, make_dataset, packaged_objects

ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
PACKAGED = [
    "MR_small_RLE.dcm",
    "SC_rgb_rle_2frame.dcm",
    "emri_small_jpeg_ls_lossless.dcm",
    "JPEG2000.dcm",
    "JPEG-LL.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
]


def prepared(instance: StoredInstance, archive: Archive) -> DecodedObject:
    decoded = decode_object(instance, archive=archive)
    assert decoded is not None
    return decoded


def whole(instance: StoredInstance, archive: Archive) -> bytes:
    """Return the decoded object, after a look at its announced length."""
    decoded = prepared(instance, archive)
    chunks = list(decoded_bytes(instance, decoded, archive=archive))
    assert sum(map(len, chunks)) == decoded.length
    return b"".join(chunks)


@pytest.mark.requirement("TSX-03")
@pytest.mark.parametrize("name", PACKAGED)
def test_a_decoded_object_has_the_announced_length_and_reads_back(shared_archive: Archive, name: str) -> None:
    data = packaged_objects()[name].read_bytes()
    result = take_in(shared_archive, data)
    uids = result.study_instance_uid, result.series_instance_uid, result.sop_instance_uid
    instance = shared_archive.index.find_instance(*uids)

    decoded = pydicom.dcmread(io.BytesIO(whole(instance, shared_archive)))

    frames = frames_of(instance, archive=shared_archive)
    assert frames is not None
    source = pixel_format_of(instance, archive=shared_archive)
    pixels = b"".join(
        decoded_frame(instance, frames, source, index, archive=shared_archive) for index in range(frames.count)
    )
    assert decoded.file_meta.TransferSyntaxUID == EXPLICIT_VR_LITTLE_ENDIAN
    assert decoded.PixelData == pixels + b"\0" * (len(pixels) % 2)
    assert decoded.pixel_array.size * source.bits_allocated // 8 == len(pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = pydicom.dcmread(io.BytesIO(data))
        changed = {"PixelData", "PhotometricInterpretation", "PlanarConfiguration"}
        assert {element.keyword for element in before} - changed == {element.keyword for element in decoded} - changed


def small(syntax: str, frames: list[bytes], **attributes: object) -> tuple[Dataset, bytes]:
    dataset = make_dataset(NumberOfFrames=len(frames), **attributes)
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True
    dataset.add_new(0xFFFCFFFC, "OB", b"after the pixels")
    return dataset, encode(dataset, syntax)


@pytest.mark.parametrize("skipped", [0, 132], ids=["whole", "without preamble"])
def test_what_follows_the_pixels_follows_them_still(shared_archive: Archive, skipped: int) -> None:
    dataset, data = small(ENCAPSULATED_UNCOMPRESSED, [bytes(range(9)), bytes(range(9, 18))], Rows=3, Columns=3)
    instance = stored(shared_archive, dataset, data[skipped:])

    decoded = pydicom.dcmread(io.BytesIO(whole(instance, shared_archive)))

    assert decoded.PixelData == bytes(range(18))
    assert decoded[0xFFFCFFFC].value == b"after the pixels"
    assert decoded.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert decoded.PatientName == dataset.PatientName


@pytest.mark.requirement("WADO-53")
def test_one_bit_frames_are_joined_bit_by_bit(shared_archive: Archive) -> None:
    frames = [bytes([0b10110101, 1, 0]), bytes([0b01001011, 0])]
    dataset, data = small(
        ENCAPSULATED_UNCOMPRESSED,
        [frames[0][:2], frames[1]],
        Rows=3,
        Columns=3,
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
    )
    instance = stored(shared_archive, dataset, data)

    decoded = pydicom.dcmread(io.BytesIO(whole(instance, shared_archive)))

    assert decoded.PixelData == ((0b1_10110101) | (0b0_01001011 << 9)).to_bytes(3, "little") + b"\0"


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGBaseline8Bit, ENCAPSULATED_UNCOMPRESSED])
def test_an_undecodable_codestream_is_refused_before_the_first_chunk(shared_archive: Archive, syntax: str) -> None:
    dataset, data = small(syntax, [b"no codestream at all", b"neither is this one."])
    instance = stored(shared_archive, dataset, data)
    decoded = prepared(instance, shared_archive)

    with pytest.raises(NotAcceptable):
        next(decoded_bytes(instance, decoded, archive=shared_archive))


def test_pixels_that_are_not_described_are_refused(shared_archive: Archive) -> None:
    dataset, data = small(RLELossless, [bytes(64)], Rows=None)
    instance = stored(shared_archive, dataset, data)

    with pytest.raises(NotAcceptable):
        decode_object(instance, archive=shared_archive)


@pytest.mark.requirement("NEG-19")
def test_pixels_too_long_for_a_value_field_are_refused(shared_archive: Archive) -> None:
    dataset, data = small(
        RLELossless, [bytes(64)], Rows=65535, Columns=65535, BitsAllocated=16, BitsStored=16, HighBit=15
    )
    instance = stored(shared_archive, dataset, data)

    with pytest.raises(NotAcceptable):
        decode_object(instance, archive=shared_archive)


def test_a_frame_above_the_limit_is_refused(shared_archive: Archive) -> None:
    dataset, data = small(RLELossless, [bytes(64)], Rows=40000, Columns=40000)
    instance = stored(shared_archive, dataset, data)
    decoded = prepared(instance, shared_archive)

    with pytest.raises(NotAcceptable):
        next(decoded_bytes(instance, decoded, archive=shared_archive))


def test_an_object_without_pixels_gets_another_head_alone(shared_archive: Archive) -> None:
    dataset = make_dataset()
    del dataset.PixelData
    instance = stored(shared_archive, dataset, encode(dataset, RLELossless))

    decoded = decode_object(instance, archive=shared_archive)
    content = b"".join(decoded_bytes(instance, decoded, archive=shared_archive))

    assert len(content) == decoded.length
    received = pydicom.dcmread(io.BytesIO(content))
    assert received.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert received == dataset
