from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from archives import stored
from hilum.archive.archive import Archive
from hilum.archive.objects import (
    CHUNK_BYTES,
    as_received,
    bulk_values,
    frame_bytes,
    frames_of,
    has_travelling_blob,
    stored_bytes,
    stored_frame_length,
    wire_bytes,
    wire_length,
    wire_range,
)
from hilum.dicom.reading.instance import EncapsulatedFrames, NativeFrames
from hilum.store.blobs.protocol import Part
from hilum.store.rows.records import StoredInstance
from samples import encode, make_dataset

ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
NO_PREAMBLE = "no preamble"


@dataclass(frozen=True)
class Case:
    """An object in one of the syntaxes, or without a preamble, and what is stored of it."""

    data: bytes
    pixels: bytes
    instance: StoredInstance
    wire: bytes


def big_endian_object(bits: int, vr: str, pixels: bytes) -> tuple[pydicom.Dataset, bytes]:
    """Return a data set of 4 x 5 cells, and its object with the cells turned around."""
    dataset = make_dataset(Rows=4, Columns=5, BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1)
    dataset.add_new(0x7FE00010, vr, np.frombuffer(pixels, f"<u{bits // 8}").byteswap().tobytes())
    dataset.add_new(0x7FE11001, "OB", b"ab")
    return dataset, encode(dataset, ExplicitVRBigEndian)


def make_case(archive: Archive, kind: str) -> Case:
    pixels = np.random.default_rng(7).integers(0, 256, 80, np.uint8).tobytes()
    if kind.startswith("big endian"):
        bits = int(kind.rpartition(" ")[2])
        pixels = pixels[: 20 * bits // 8]
        dataset, data = big_endian_object(bits, "OB" if bits == 8 else "OW", pixels)
    else:
        dataset = make_dataset(Rows=8, Columns=10, PixelData=pixels)
        dataset.add_new(0x7FE11001, "OB", b"ab")
        syntax = {"implicit": ImplicitVRLittleEndian, "deflated": DeflatedExplicitVRLittleEndian}
        data = encode(dataset, syntax.get(kind, ExplicitVRLittleEndian))
        if kind == NO_PREAMBLE:
            data = data[132:]
    instance = stored(archive, dataset, data)
    return Case(data, pixels, instance, b"".join(wire_bytes(instance, archive=archive)))


@pytest.fixture(
    scope="module",
    params=["explicit", "implicit", "big endian 8", "big endian 16", "big endian 32", "deflated", NO_PREAMBLE],
)
def case(request: pytest.FixtureRequest, shared_archive: Archive) -> Case:
    return make_case(shared_archive, request.param)


@pytest.mark.requirement("TSX-01")
def test_the_wire_form_is_a_whole_object_in_explicit_vr_little_endian(shared_archive: Archive, case: Case) -> None:
    dataset = pydicom.dcmread(io.BytesIO(case.wire))

    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (dataset.PixelData, dataset[0x7FE11001].value) == (case.pixels, b"ab")
    assert wire_length(case.instance) == len(case.wire)
    assert b"".join(stored_bytes(case.instance, archive=shared_archive)) == case.data


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_range_of_the_wire_form_is_that_slice_of_it(
    shared_archive: Archive, case: Case, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, len(case.wire)))
    length = data.draw(st.integers(0, len(case.wire) - offset))

    expected = case.wire[offset : offset + length]
    chunks = wire_bytes(case.instance, archive=shared_archive, offset=offset, length=length)
    assert b"".join(chunks) == expected
    assert wire_range(case.instance, offset, length, archive=shared_archive) == expected


def test_every_range_that_begins_or_ends_in_the_pixels_is_exact(shared_archive: Archive, case: Case) -> None:
    start = case.wire.index(case.pixels)

    for first in range(start - 2, start + 10):
        for stop in range(start + 10, start + 22):
            assert wire_range(case.instance, first, stop - first, archive=shared_archive) == case.wire[first:stop]


def test_pixels_longer_than_a_chunk_keep_their_words_together(shared_archive: Archive) -> None:
    pixels = np.arange(CHUNK_BYTES + 50, dtype="<u2").tobytes()
    dataset = make_dataset(Rows=1, Columns=2, BitsAllocated=16, BitsStored=16, HighBit=15)
    dataset.add_new(0x7FE00010, "OW", np.frombuffer(pixels, "<u2").byteswap().tobytes())
    instance = stored(shared_archive, dataset, encode(dataset, ExplicitVRBigEndian))
    wire = b"".join(wire_bytes(instance, archive=shared_archive))
    start = wire_length(instance) - len(pixels)

    assert wire[start:] == pixels
    for offset in (0, 1, 2, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1):
        chunks = list(wire_bytes(instance, archive=shared_archive, offset=start + offset))
        assert b"".join(chunks) == pixels[offset:]
        assert max(map(len, chunks)) <= CHUNK_BYTES


def test_only_deflated_and_ordered_objects_travel_as_received_beside_their_wire_form(shared_archive: Archive) -> None:
    for kind, travels in {"explicit": False, "implicit": False, "deflated": True, NO_PREAMBLE: False}.items():
        case = make_case(shared_archive, kind)

        assert has_travelling_blob(case.instance, archive=shared_archive) is travels
        assert b"".join(wire_bytes(as_received(case.instance), archive=shared_archive)) == case.data


def test_bulk_values_lie_where_the_index_has_them(shared_archive: Archive) -> None:
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        dataset = make_dataset(Rows=50, Columns=60, PixelData=bytes(range(250)) * 12)
        dataset.add_new(0x00091001, "OB", b"private " * 500)
        instance = stored(shared_archive, dataset, encode(dataset, syntax))

        values, character_set = bulk_values(instance, archive=shared_archive)

        assert ([value.path for value in values], character_set) == (["00091001", "7FE00010"], "ISO_IR 192")
        for value, expected in zip(values, (b"private " * 500, dataset.PixelData), strict=True):
            assert wire_range(instance, value.offset, value.length, archive=shared_archive) == expected


def encapsulated(frames: list[bytes], fragments_per_frame: int = 1, **attributes: int) -> pydicom.Dataset:
    dataset = make_dataset(NumberOfFrames=len(frames), **attributes)
    dataset.PixelData = encapsulate(frames, fragments_per_frame=fragments_per_frame)
    dataset["PixelData"].is_undefined_length = True
    return dataset


def test_frames_beyond_1024_are_read_by_way_of_the_sidecar(shared_archive: Archive) -> None:
    frames = [number.to_bytes(2, "little") for number in range(1500)]
    dataset = encapsulated(frames, Rows=1, Columns=2)
    instance = stored(shared_archive, dataset, encode(dataset, ENCAPSULATED_UNCOMPRESSED))

    found = frames_of(instance, archive=shared_archive)

    assert found == EncapsulatedFrames(b"", 1500)
    assert stored_frame_length(found, 0) is None
    assert [frame_bytes(instance, found, index, archive=shared_archive) for index in range(1500)] == frames
    for index in (-1, 1500):
        with pytest.raises(IndexError):
            frame_bytes(instance, found, index, archive=shared_archive)


@pytest.mark.requirement("MT-21")
@pytest.mark.parametrize("fragments_per_frame", [1, 2, 5])
def test_the_fragments_of_a_frame_are_joined(shared_archive: Archive, fragments_per_frame: int) -> None:
    frames = [bytes([number]) * 100 for number in range(7)]
    dataset = encapsulated(frames, fragments_per_frame, Rows=10, Columns=10)
    instance = stored(shared_archive, dataset, encode(dataset, ENCAPSULATED_UNCOMPRESSED))

    found = frames_of(instance, archive=shared_archive)

    assert isinstance(found, EncapsulatedFrames)
    for index, frame in enumerate(frames):
        assert frame_bytes(instance, found, index, archive=shared_archive) == frame
        assert stored_frame_length(found, index) == len(frame)


@pytest.mark.requirement("WADO-53")
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_one_bit_frames_begin_at_bit_0_each(shared_archive: Archive, syntax: str) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (3, 15), np.uint8)
    dataset = make_dataset(NumberOfFrames=3, Rows=3, Columns=5, BitsAllocated=1, BitsStored=1, HighBit=0)
    dataset.add_new(0x7FE00010, "OB", np.packbits(bits.reshape(-1), bitorder="little").tobytes())
    instance = stored(shared_archive, dataset, encode(dataset, syntax))

    found = frames_of(instance, archive=shared_archive)

    assert isinstance(found, NativeFrames)
    for index in range(3):
        frame = frame_bytes(instance, found, index, archive=shared_archive)
        assert frame == np.packbits(bits[index], bitorder="little").tobytes()
        assert stored_frame_length(found, index) == len(frame) == 2


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_native_frames_are_slices_of_the_pixels(shared_archive: Archive, syntax: str) -> None:
    pixels = bytes(range(48))
    dataset = make_dataset(NumberOfFrames=3, PixelData=pixels)
    instance = stored(shared_archive, dataset, encode(dataset, syntax))

    found = frames_of(instance, archive=shared_archive)

    assert found is not None
    assert [frame_bytes(instance, found, index, archive=shared_archive) for index in range(3)] == [
        pixels[start : start + 16] for start in (0, 16, 32)
    ]


@pytest.fixture
def cut_short(archive: Archive) -> StoredInstance:
    """Return an instance whose blob has lost its last bytes."""
    instance = stored(archive, make_dataset())
    data = archive.blobs.read(instance.blob_id, Part.OBJECT, 0, instance.size_bytes)
    archive.blobs.put(instance.blob_id, Part.OBJECT, data[:-4])
    return instance


def test_a_blob_that_is_cut_short_is_an_error_and_no_short_answer(archive: Archive, cut_short: StoredInstance) -> None:
    found = frames_of(cut_short, archive=archive)
    assert found is not None

    with pytest.raises(FileNotFoundError):
        frame_bytes(cut_short, found, 0, archive=archive)
    with pytest.raises(FileNotFoundError):
        list(wire_bytes(cut_short, archive=archive))
