from __future__ import annotations

import warnings

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

import archives
from hilum.archive.archive import Archive
from hilum.archive.rendering import sources
from hilum.archive.rendering.sources import source_of
from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.grayscale.choice import modality_of
from hilum.render.grayscale.transform import Rescale
from samples import make_dataset, packaged_objects


def test_bulk_values_are_read_where_they_lie_also_inside_items(archive: Archive) -> None:
    item = Dataset()
    item.LUTDescriptor = [2048, 0, 16]
    item.add_new(0x00283006, "OW", np.arange(2048, dtype="<u2").tobytes())
    dataset = make_dataset(VOILUTSequence=[item])
    found = source_of(archives.stored(archive, dataset), archive=archive)

    table = found.attributes.items("VOILUTSequence")[0]

    assert table.words("LUTData").tolist() == list(range(2048))


def test_the_object_itself_is_read_for_documents(archive: Archive) -> None:
    dataset = make_dataset()
    found = source_of(archives.stored(archive, dataset), archive=archive)

    assert found.read_object()[128:132] == b"DICM"
    assert found.resource_path.endswith(dataset.SOPInstanceUID)


def test_metadata_are_parsed_once_an_object(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = archives.stored(archive, make_dataset())
    source_of(instance, archive=archive)
    monkeypatch.setattr(sources, "_parse", lambda _text: pytest.fail("parsed again"))

    assert source_of(instance, archive=archive).frame_count == 1


def test_what_is_said_of_each_frame_is_left_out_where_colour_makes_it_needless() -> None:
    frames = b",".join([b'{"00209113":{"vr":"SQ"}}'] * 20_000)
    text = b'{"00280004":{"vr":"CS","Value":["%b"]},"52009230":{"vr":"SQ","Value":[%b]},"7FE00010":{"vr":"OW"}}'

    colour = sources._parse(text % (b"RGB", frames))
    grey = sources._parse(text % (b"MONOCHROME2", frames))

    assert sorted(colour) == ["00280004", "7FE00010"]
    assert len(grey["52009230"]["Value"]) == 20_000


def test_a_header_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_MAX_METADATA", 10)

    with pytest.raises(PayloadTooLarge):
        sources._parse(b'{"00280004":{"vr":"CS"}}')


def test_pixels_that_are_not_described_are_refused(archive: Archive) -> None:
    instance = archives.stored(archive, make_dataset(PhotometricInterpretation=""))

    with pytest.raises(NotAcceptable):
        source_of(instance, archive=archive)


def test_compressed_frames_come_decoded_and_as_stored(archive: Archive) -> None:
    path = packaged_objects()["SC_rgb_jpeg_dcmtk.dcm"]
    found = source_of(archives.stored(archive, pydicom.dcmread(path), path.read_bytes()), archive=archive)

    assert found.pixels is not None
    assert found.pixels.format.photometric_interpretation == "RGB"
    assert len(found.pixels.frame(0)) == found.pixels.format.frame_bytes
    assert found.pixels.stored_frame(0).startswith(b"\xff\xd8")


def test_big_endian_objects_give_the_same_rescale(archive: Archive) -> None:
    path = packaged_objects()["ExplVR_BigEnd.dcm"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instance = archives.stored(archive, pydicom.dcmread(path), path.read_bytes())
    found = source_of(instance, archive=archive)

    assert found.pixels is not None
    assert modality_of(found.attributes, 0, is_signed=False) == Rescale()
