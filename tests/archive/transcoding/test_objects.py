from __future__ import annotations

import struct
import tracemalloc
import zlib
from itertools import pairwise

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_fragments, parse_basic_offsets
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

import hilum.archive.transcoding.objects
from archives import stored, take_in
from hilum.archive.archive import Archive
from hilum.archive.objects import frames_of, wire_bytes
from hilum.archive.transcoding.frames import frame_form, transcoded_frame
from hilum.archive.transcoding.objects import deflated_bytes, transcode_object, transcoded_bytes
from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.encode import LOSSY_TARGETS, encode_frame
from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.dicom.reading.file_meta import read_head
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance
from samples import encode, make_dataset, packaged_objects
from transcoded import check, explicit, our_samples, read, targets, transcoded

PACKAGED = [
    "MR_small_implicit.dcm",
    "rtdose.dcm",
    "6247",
    "liver_1frame.dcm",
    "emri_small.dcm",
    "5641",
    "OBXXXX1A_rle_2frame.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_2frame.dcm",
    "SC_rgb_16bit_2frame.dcm",
    "SC_rgb_32bit.dcm",
    "SC_ybr_full_uncompressed.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "image_dfl.dcm",
    "emri_small_big_endian.dcm",
    "SC_rgb_expb_16bit.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "emri_small_jpeg_2k_lossless.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "GDCMJ2K_TextGBR.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "693_J2KI.dcm",
    "emri_small_RLE.dcm",
    "rtdose_rle.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
]
"""One small image of most kinds: transfer syntax, photometric interpretation, bits, sign, one frame or several."""

GREY = PixelFormat(24, 20, 1, 16, 12, 11, 0, "MONOCHROME2", 0, 2)


@pytest.mark.requirement("TSX-01", "TSX-03", "TSX-08", "MT-20")
@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_images_keep_their_samples_in_every_syntax(shared_archive: Archive, name: str) -> None:
    result = take_in(shared_archive, packaged_objects()[name].read_bytes())
    uids = result.study_instance_uid, result.series_instance_uid, result.sop_instance_uid
    instance = shared_archive.index.find_instance(*uids)
    original = read(explicit(instance, shared_archive))

    found = list(targets(instance, shared_archive))
    for uid in found:
        check(instance, uid, original, shared_archive)

    assert {syntaxes.ENCAPSULATED_UNCOMPRESSED, syntaxes.DEFLATED_IMAGE_FRAME} <= set(found)
    if instance.transfer_syntax_uid in syntaxes.LOSSY_SYNTAXES:
        assert set(found).isdisjoint(LOSSY_TARGETS)


def image(uid: str, source: PixelFormat = GREY, **attributes: object) -> tuple[Dataset, bytes]:
    """Return an object with noise of `source`, in a transfer syntax; lossless JPEG .57 with another predictor."""
    rng = np.random.default_rng(1)
    frames = [
        rng.integers(0, 1 << source.bits_stored, source.samples_per_frame).astype(f"<u{source.bits_allocated // 8}")
        for _ in range(source.number_of_frames)
    ]
    dataset = make_dataset(
        Rows=source.rows,
        Columns=source.columns,
        BitsAllocated=source.bits_allocated,
        BitsStored=source.bits_stored,
        HighBit=source.high_bit,
        SamplesPerPixel=source.samples_per_pixel,
        PhotometricInterpretation=source.photometric_interpretation,
        NumberOfFrames=source.number_of_frames,
        **attributes,
    )
    if source.samples_per_pixel > 1:
        dataset.PlanarConfiguration = 0
    if uid in syntaxes.NATIVE_SYNTAXES:
        dataset.PixelData = b"".join(frame.tobytes() for frame in frames)
        dataset["PixelData"].VR = "OW"
        return dataset, encode(dataset, uid)
    dataset.PixelData = encapsulate([codestream(uid, frame, source) for frame in frames])
    dataset["PixelData"].is_undefined_length = True
    data = encode(dataset, syntaxes.JPEG_2000_LOSSLESS)
    head = read_head(data)
    # pydicom writes no syntax that it does not know.
    return dataset, head.rewritten(uid) + data[head.length :]


def codestream(uid: str, frame: np.ndarray, source: PixelFormat) -> bytes:
    if uid == syntaxes.JPEG_LOSSLESS:
        plane = frame.reshape(source.rows, source.columns)
        return bytes(imagecodecs.jpeg8_encode(plane, lossless=True, predictor=4, bitspersample=source.bits_stored))
    if uid == syntaxes.JPEG_XL_RECOMPRESSION:
        plane = (frame >> source.bits_stored - 8).astype(np.uint8).reshape(source.rows, source.columns)
        return bytes(imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(plane, 90), usecontainer=True))
    encoder = {
        syntaxes.JPEG_2000_PART_2_LOSSLESS: syntaxes.JPEG_2000_LOSSLESS,
        syntaxes.JPEG_2000_PART_2: syntaxes.JPEG_2000,
    }.get(uid, uid)
    return encode_frame(frame.tobytes(), transfer_syntax_uid=encoder, source=source)


OTHER_SOURCES = [
    syntaxes.ENCAPSULATED_UNCOMPRESSED,
    syntaxes.DEFLATED_IMAGE_FRAME,
    syntaxes.JPEG_EXTENDED,
    syntaxes.JPEG_LOSSLESS,
    syntaxes.JPEG_LS_NEAR_LOSSLESS,
    syntaxes.JPEG_2000_PART_2_LOSSLESS,
    syntaxes.JPEG_2000_PART_2,
    syntaxes.JPEG_XL_LOSSLESS,
    syntaxes.JPEG_XL_RECOMPRESSION,
    syntaxes.JPEG_XL,
    syntaxes.HTJ2K_LOSSLESS,
    syntaxes.HTJ2K_LOSSLESS_RPCL,
    syntaxes.HTJ2K,
]


@pytest.mark.requirement("TSX-03", "MT-20")
@pytest.mark.parametrize("uid", OTHER_SOURCES)
def test_images_of_the_rarer_syntaxes_keep_their_samples_too(shared_archive: Archive, uid: str) -> None:
    is_of_8_bits = uid in {syntaxes.JPEG_XL, syntaxes.JPEG_XL_RECOMPRESSION}
    source = PixelFormat(24, 20, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 2) if is_of_8_bits else GREY
    instance = stored(shared_archive, *image(uid, source))
    original = read(explicit(instance, shared_archive))

    found = list(targets(instance, shared_archive))
    for target in found:
        check(instance, target, original, shared_archive)

    assert len(found) >= 8


def test_each_frame_is_one_item_and_the_table_tells_where(shared_archive: Archive) -> None:
    source = PixelFormat(7, 5, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 5)
    dataset, data = image(ExplicitVRLittleEndian, source)
    instance = stored(shared_archive, dataset, data)

    received = read(transcoded(instance, syntaxes.JPEG_LS_LOSSLESS, shared_archive))

    fragments = list(generate_fragments(received.PixelData[8 + 4 * 5 :]))
    offsets = parse_basic_offsets(received.PixelData)
    assert len(fragments) == 5
    assert [second - first for first, second in pairwise(offsets)] == [len(item) + 8 for item in fragments[:-1]]
    assert all(len(item) % 2 == 0 for item in fragments)


def test_offsets_beyond_32_bits_stand_in_an_extended_offset_table(
    shared_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hilum.archive.transcoding.objects, "_MOST_OFFSET", 100)
    source = PixelFormat(7, 5, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 5)
    dataset, data = image(ExplicitVRLittleEndian, source)
    instance = stored(shared_archive, dataset, data)

    received = read(transcoded(instance, syntaxes.ENCAPSULATED_UNCOMPRESSED, shared_archive))

    offsets = struct.unpack("<5Q", received.ExtendedOffsetTable)
    assert offsets == tuple(index * 44 for index in range(5))
    assert struct.unpack("<5Q", received.ExtendedOffsetTableLengths) == (35,) * 5
    assert parse_basic_offsets(received.PixelData) == []
    frames = [received.PixelData[8 + 8 + offset :][:35] for offset in offsets]
    assert b"".join(frames) == dataset.PixelData[:175]


@pytest.mark.parametrize("uid", sorted(LOSSY_TARGETS))
def test_lossy_compression_is_told_after_what_was_told_before(shared_archive: Archive, uid: str) -> None:
    bits = 8 if uid in {syntaxes.JPEG_BASELINE, syntaxes.JPEG_XL} else 12
    source = PixelFormat(40, 40, 1, 8 if bits == 8 else 16, bits, bits - 1, 0, "MONOCHROME2", 0, 1)
    dataset, _ = image(
        ExplicitVRLittleEndian, source, ImageType=["ORIGINAL", "PRIMARY"], DerivationDescription="Filtered"
    )
    del dataset.NumberOfFrames
    instance = stored(shared_archive, dataset)

    received = read(transcoded(instance, uid, shared_archive))

    assert received.LossyImageCompression == "01"
    assert received.LossyImageCompressionMethod.startswith("ISO_")
    assert float(received.LossyImageCompressionRatio) > 0
    assert list(received.ImageType) == ["DERIVED", "PRIMARY"]
    assert received.DerivationDescription.startswith("Filtered; Lossy compression ISO_")
    assert received.DerivationCodeSequence[0].CodeValue == "113040"
    assert received.SOPInstanceUID == dataset.SOPInstanceUID


def test_what_tells_of_lossy_compression_is_not_compressed_so_again(shared_archive: Archive) -> None:
    dataset, data = image(ExplicitVRLittleEndian, LossyImageCompression="01")
    instance = stored(shared_archive, dataset, data)

    for uid in LOSSY_TARGETS:
        with pytest.raises(NotAcceptable):
            transcode_object(instance, uid, archive=shared_archive)
    assert transcode_object(instance, syntaxes.JPEG_2000_LOSSLESS, archive=shared_archive)


@pytest.mark.parametrize("bits", [1, 32])
def test_images_without_a_form_in_a_syntax_are_refused(shared_archive: Archive, bits: int) -> None:
    dataset = make_dataset(BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1, PixelData=bytes(4 * 4 * bits // 8))
    dataset["PixelData"].VR = "OB" if bits == 1 else "OW"
    instance = stored(shared_archive, dataset)

    found = set(targets(instance, shared_archive))

    always = {syntaxes.ENCAPSULATED_UNCOMPRESSED, syntaxes.DEFLATED_IMAGE_FRAME}
    assert found == always | ({syntaxes.RLE_LOSSLESS} if bits == 32 else set())


def test_float_pixels_and_objects_without_pixels_have_no_compressed_form(shared_archive: Archive) -> None:
    floats = make_dataset(BitsAllocated=32, FloatPixelData=bytes(64))
    del floats.PixelData, floats.BitsStored, floats.HighBit, floats.PixelRepresentation
    plain = make_dataset()
    del plain.PixelData

    for dataset in (floats, plain):
        instance = stored(shared_archive, dataset)
        with pytest.raises(NotAcceptable):
            transcode_object(instance, syntaxes.RLE_LOSSLESS, archive=shared_archive)


def test_a_frame_that_has_no_form_is_refused_and_remembered(shared_archive: Archive) -> None:
    # Lossy JPEG has no room for the overlay in the high bits.
    dataset, _ = image(ExplicitVRLittleEndian, PixelFormat(4, 4, 1, 16, 8, 7, 0, "MONOCHROME2", 0, 1))
    dataset.PixelData = b"\0\x80" * 16
    dataset["PixelData"].VR = "OW"
    instance = stored(shared_archive, dataset)
    prepared = transcode_object(instance, syntaxes.JPEG_BASELINE, archive=shared_archive)

    with pytest.raises(NotAcceptable):
        next(transcoded_bytes(instance, prepared, archive=shared_archive))
    with pytest.raises(NotAcceptable):
        transcode_object(instance, syntaxes.JPEG_BASELINE, archive=shared_archive)
    lossless = read(transcoded(instance, syntaxes.JPEG_2000_LOSSLESS, shared_archive))
    assert set(our_samples(lossless)) == {0x8000}


@pytest.mark.parametrize("uid", [syntaxes.JPEG_2000_LOSSLESS, syntaxes.RLE_LOSSLESS])
def test_broken_codestreams_are_refused_before_the_first_chunk(shared_archive: Archive, uid: str) -> None:
    dataset = make_dataset(PixelData=encapsulate([b"no codestream at all"]))
    dataset["PixelData"].is_undefined_length = True
    instance = stored(shared_archive, dataset, encode(dataset, uid))
    prepared = transcode_object(instance, syntaxes.JPEG_LS_LOSSLESS, archive=shared_archive)

    with pytest.raises(NotAcceptable):
        next(transcoded_bytes(instance, prepared, archive=shared_archive))
    with pytest.raises(NotAcceptable):
        transcode_object(instance, syntaxes.JPEG_LS_LOSSLESS, archive=shared_archive)


def test_an_icon_in_the_stored_compression_is_left_out(shared_archive: Archive) -> None:
    icon = make_dataset().group_dataset(0x0028)
    icon.PixelData = encapsulate([codestream(syntaxes.RLE_LOSSLESS, np.zeros(16, "u1"), small())])
    icon["PixelData"].is_undefined_length = True
    dataset, _ = image(syntaxes.RLE_LOSSLESS, IconImageSequence=[icon])
    instance = stored(shared_archive, dataset, encode(dataset, syntaxes.RLE_LOSSLESS))

    for data in (transcoded(instance, syntaxes.JPEG_LS_LOSSLESS, shared_archive), explicit(instance, shared_archive)):
        assert "IconImageSequence" not in read(data)


def small() -> PixelFormat:
    return PixelFormat(4, 4, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 1)


def test_frames_are_those_of_the_whole_object(shared_archive: Archive) -> None:
    dataset, data = image(syntaxes.HTJ2K_LOSSLESS)
    instance = stored(shared_archive, dataset, data)
    frames = frames_of(instance, archive=shared_archive)
    assert frames is not None
    form = frame_form(instance, frames, syntaxes.JPEG_LS_LOSSLESS, archive=shared_archive)

    whole = read(transcoded(instance, syntaxes.JPEG_LS_LOSSLESS, shared_archive))

    for index, fragment in enumerate(generate_fragments(whole.PixelData[8 + 4 * 2 :])):
        frame = transcoded_frame(instance, form, index, archive=shared_archive)
        assert frame + b"\0" * (len(frame) % 2) == fragment


def test_many_frames_take_the_memory_of_few(shared_archive: Archive) -> None:
    source = PixelFormat(64, 64, 1, 16, 16, 15, 0, "MONOCHROME2", 0, 1200)
    dataset, data = image(ExplicitVRLittleEndian, source)
    instance = stored(shared_archive, dataset, data)
    prepared = transcode_object(instance, syntaxes.ENCAPSULATED_UNCOMPRESSED, archive=shared_archive)
    shared_archive.frame_results._max_bytes = 0
    del dataset, data

    tracemalloc.start()
    length = sum(map(len, transcoded_bytes(instance, prepared, archive=shared_archive)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert length > 1200 * 8192
    assert peak < 3 * 1024 * 1024


@pytest.mark.requirement("TSX-13")
@pytest.mark.parametrize("uid", [ExplicitVRLittleEndian, syntaxes.JPEG_2000_LOSSLESS])
def test_objects_are_deflated_whole(shared_archive: Archive, uid: str) -> None:
    instance: StoredInstance = stored(shared_archive, *image(uid))
    plain = explicit(instance, shared_archive)
    chunks = iter([plain[:1000], plain[1000:]])

    data = b"".join(deflated_bytes(chunks, archive=shared_archive))

    received = read(data)
    assert received.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    assert len(data) % 2 == 0
    assert received == read(plain)


def test_what_has_no_head_cannot_be_deflated(shared_archive: Archive) -> None:
    with pytest.raises(NotAcceptable):
        next(deflated_bytes(iter([b"\0" * 128 + b"DICM\2\0\1\0OB\0\0\xff\xff\xff\x00"]), archive=shared_archive))
    with pytest.raises(zlib.error):
        zlib.decompress(b"".join(wire_bytes(stored(shared_archive, make_dataset()), archive=shared_archive)))
