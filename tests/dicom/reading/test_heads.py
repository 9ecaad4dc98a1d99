from __future__ import annotations

import io
import struct
from dataclasses import replace

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.dicom.reading.heads import (
    MAX_VALUE_LENGTH,
    PixelDataTooLongError,
    encapsulated_head,
    explicit_little_endian_head,
    short_element,
    short_values,
)
from hilum.dicom.reading.instance import DecodeError

DECODED = PixelFormat(2, 3, 3, 8, 8, 7, 0, "RGB", 0, 1)
META_START, PIXELS = 132, bytes(range(18))


def data_set() -> Dataset:
    """Return a colour image with what makes heads hard: an icon with pixel data, offset tables, UN."""
    ds = Dataset()
    ds.PatientName = "Müller^Ünal"
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPInstanceUID = "1.2.3"
    icon = Dataset()
    icon.Rows, icon.Columns, icon.PhotometricInterpretation = 1, 2, "YBR_FULL_422"
    icon.add_new(0x7FE00010, "OB", encapsulate([b"\xff\xd8ab"]))
    icon["PixelData"].is_undefined_length = True
    ds.IconImageSequence = [icon]
    ds["IconImageSequence"].is_undefined_length = True
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 3, "YBR_FULL_422"
    ds.PlanarConfiguration, ds.Rows, ds.Columns = 1, 2, 3
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.add_new(0x00290010, "LO", "Acme")
    ds.add_new(0x00291001, "UN", b"\1\2\3\4")
    ds.add_new(0x7FE00001, "OV", struct.pack("<Q", 0))
    ds.add_new(0x7FE00002, "OV", struct.pack("<Q", 4))
    ds.add_new(0x7FE00010, "OB", encapsulate([b"\xff\xd8xx"]))
    ds["PixelData"].is_undefined_length = True
    return ds


def stored(ds: Dataset) -> tuple[bytes, bytes]:
    """Return head and data set before Pixel Data as a writer stores them."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    ds.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    ds.file_meta.ImplementationClassUID = UID("1.2.4")
    buffer = io.BytesIO()
    ds.preamble = b"II*\0" + bytes(124)
    ds.save_as(buffer, enforce_file_format=True)
    whole = buffer.getvalue()
    (group_length,) = struct.unpack_from("<I", whole, META_START + 8)
    start = META_START + 12 + group_length
    return whole[:start], whole[start : whole.rindex(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff")]


def read(head: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(head + PIXELS))


def test_an_object_with_decoded_pixels_reads_back() -> None:
    ds = data_set()

    decoded = read(explicit_little_endian_head(*stored(ds), target=DECODED))

    assert decoded.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (decoded.PhotometricInterpretation, decoded.PlanarConfiguration) == ("RGB", 0)
    assert (decoded.PixelData, decoded["PixelData"].VR) == (PIXELS, "OB")
    assert decoded.preamble is not None
    assert decoded.preamble.startswith(b"II*\0")
    for tag in (0x00280004, 0x00280006, 0x00880200, 0x7FE00001, 0x7FE00002, 0x7FE00010):
        ds.pop(tag, None)
        decoded.pop(tag, None)
    assert decoded == ds


def test_all_other_bytes_stay_as_they_are() -> None:
    head, prefix = stored(data_set())

    result = explicit_little_endian_head(head, prefix, target=DECODED)

    start, stop = prefix.index(b"(\0\4\0CS"), prefix.index(b"(\0\x10\0US")
    assert prefix[:start] in result
    assert prefix[stop : prefix.index(b"\x88\0\0\x02SQ")] in result
    assert result.endswith(b"\xe0\x7f\x10\0OB\0\0" + struct.pack("<I", 18))


def test_an_icon_in_the_stored_compression_is_dropped_and_another_stays() -> None:
    ds = data_set()
    assert "IconImageSequence" not in read(explicit_little_endian_head(*stored(ds), target=DECODED))

    icon = ds.IconImageSequence[0]
    icon.PixelData = b"ab"
    icon["PixelData"].is_undefined_length = False

    assert "IconImageSequence" in read(explicit_little_endian_head(*stored(ds), target=DECODED))


def test_a_head_in_another_encapsulated_syntax_has_its_uid_and_what_is_changed() -> None:
    head, prefix = stored(data_set())
    changed = {0x00282110: short_element(0x00282110, b"CS", b"01"), 0x00280008: short_element(0x00280008, b"IS", b"1 ")}

    result = encapsulated_head(head, prefix, transfer_syntax_uid="1.2.840.10008.1.2.5", target=DECODED, changed=changed)

    received = pydicom.dcmread(io.BytesIO(result))
    assert received.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"
    assert (received.PhotometricInterpretation, received.LossyImageCompression) == ("RGB", "01")
    assert received.NumberOfFrames == 1
    assert list(received.keys()) == sorted(received.keys())
    assert "PixelData" not in received


def test_short_values_are_those_of_the_top_level_without_padding() -> None:
    _, prefix = stored(data_set())

    values = short_values(prefix)

    assert (values[0x00080018], values[0x00280004]) == (b"1.2.3", b"YBR_FULL_422")
    assert values[0x00880200] == b""
    assert 0x7FE00010 not in values
    with pytest.raises(DecodeError):
        short_values(prefix[:5])


def test_missing_elements_are_added_in_their_places() -> None:
    ds = data_set()
    del ds.PlanarConfiguration
    head, prefix = stored(ds)
    uid = head.index(b"\2\0\x10\0UI")
    without_uid = head[:uid] + head[head.index(b"\2\0\x12\0UI") :]
    without_length = head[:META_START] + head[META_START + 12 :]

    whole = explicit_little_endian_head(head, prefix, target=DECODED)

    assert read(whole).PlanarConfiguration == 0
    assert explicit_little_endian_head(without_uid, prefix, target=DECODED) == whole
    assert explicit_little_endian_head(without_length, prefix, target=DECODED) == whole


def test_grey_images_get_no_planar_configuration() -> None:
    ds = data_set()
    del ds.PlanarConfiguration
    target = replace(DECODED, samples_per_pixel=1, bits_allocated=16, photometric_interpretation="MONOCHROME2")

    decoded = read(explicit_little_endian_head(*stored(ds), target=target) + b"")

    assert "PlanarConfiguration" not in decoded
    assert decoded["PixelData"].VR == "OW"


def test_a_group_length_that_would_be_wrong_is_dropped() -> None:
    head, prefix = stored(data_set())
    at = prefix.index(b"(\0\2\0US")
    with_length = prefix[:at] + b"(\0\0\0UL\4\0\x99\0\0\0" + prefix[at:]

    assert explicit_little_endian_head(head, with_length, target=DECODED) == explicit_little_endian_head(
        head,
        prefix,
        target=DECODED,
    )


def test_unknown_sequences_of_undefined_length_are_implicit() -> None:
    head, prefix = stored(data_set())
    at = prefix.index(b"(\0\2\0US")
    # An item with a nested sequence, both of undefined length, in Implicit VR (PS3.5 6.2.2 note 2).
    nested = b"\x09\0\x01\x10\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff" + b"\xfe\xff\x0d\xe0\0\0\0\0"
    nested += b"\xfe\xff\xdd\xe0\0\0\0\0"
    item = b"\xfe\xff\0\xe0\xff\xff\xff\xff" + nested + b"\x09\0\x02\x10\2\0\0\0OB" + b"\xfe\xff\x0d\xe0\0\0\0\0"
    unknown = b"\x09\0\x10\x10UN\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    first = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"

    assert prefix.startswith(first)
    moved = first + unknown + prefix[at:]

    assert unknown in explicit_little_endian_head(head, moved, target=DECODED)


@pytest.mark.requirement("TSX-03")
@pytest.mark.requirement("NEG-19")
def test_pixels_that_do_not_fit_a_value_field_are_a_typed_error() -> None:
    head, prefix = stored(data_set())
    frame = replace(DECODED, rows=2, columns=1, samples_per_pixel=1, photometric_interpretation="MONOCHROME2")
    fits = replace(frame, number_of_frames=MAX_VALUE_LENGTH // 2)

    result = explicit_little_endian_head(head, prefix, target=fits)

    assert result.endswith(struct.pack("<I", MAX_VALUE_LENGTH))
    with pytest.raises(PixelDataTooLongError):
        explicit_little_endian_head(head, prefix, target=replace(fits, number_of_frames=fits.number_of_frames + 1))


def test_sequences_nested_too_deeply_are_refused() -> None:
    head, _ = stored(data_set())
    opening = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"

    with pytest.raises(DecodeError, match="deeply"):
        explicit_little_endian_head(head, opening * 100, target=DECODED)


def test_truncation_at_every_byte_is_a_decode_error_or_a_shorter_head() -> None:
    head, prefix = stored(data_set())

    for length in range(len(head)):
        if length not in boundaries(head, META_START):
            with pytest.raises(DecodeError):
                explicit_little_endian_head(head[:length], prefix, target=DECODED)
    for length in range(len(prefix)):
        if length not in boundaries(prefix, 0):
            with pytest.raises(DecodeError):
                explicit_little_endian_head(head, prefix[:length], target=DECODED)


def boundaries(data: bytes, start: int) -> set[int]:
    """Return where elements of the top level begin."""
    ds = pydicom.dcmread(io.BytesIO(data if start else stored(data_set())[0] + data), force=True)
    elements = ds.file_meta if start else ds
    found, offset = {start}, start
    for element in elements:
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_data_element(buffer, element, ["iso8859"])
        offset += len(buffer.getvalue())
        found.add(offset)
    return found


@settings(max_examples=200)
@given(st.data())
def test_mutated_heads_are_a_head_or_a_decode_error(data: st.DataObject) -> None:
    head, prefix = HEAD
    at = data.draw(st.integers(0, len(head) + len(prefix) - 1))
    byte = data.draw(st.integers(0, 255))
    whole = bytearray(head + prefix)
    whole[at] = byte

    try:
        explicit_little_endian_head(bytes(whole[: len(head)]), bytes(whole[len(head) :]), target=DECODED)
    except DecodeError:
        return


HEAD = stored(data_set())
