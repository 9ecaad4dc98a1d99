from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from archives import opened, stored
from hilum.archive.archive import Archive
from hilum.archive.objects import frames_of
from hilum.archive.transcoding.frames import FrameForm, frame_form, transcoded_frame
from hilum.config import RetrieveSettings
from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.transcode import decode_frame
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance
from samples import make_dataset


def form_of(instance: StoredInstance, uid: str, archive: Archive) -> FrameForm:
    frames = frames_of(instance, archive=archive)
    assert frames is not None
    return frame_form(instance, frames, uid, archive=archive)


def two_frames() -> Dataset:
    return make_dataset(NumberOfFrames=2, PixelData=bytes(range(32)))


def test_a_frame_comes_as_its_bare_codestream(shared_archive: Archive) -> None:
    instance = stored(shared_archive, two_frames())
    form = form_of(instance, syntaxes.JPEG_LS_LOSSLESS, shared_archive)

    frame = transcoded_frame(instance, form, 1, archive=shared_archive)

    decoded = decode_frame(frame, transfer_syntax_uid=form.transfer_syntax_uid, source=form.encoded, max_pixels=100)
    assert decoded == bytes(range(16, 32))
    with pytest.raises(IndexError):
        transcoded_frame(instance, form, 2, archive=shared_archive)


def test_the_same_frame_is_encoded_once_for_all_that_ask(shared_archive: Archive) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, 256 * 256, np.uint8).tobytes()
    instance = stored(shared_archive, make_dataset(Rows=256, Columns=256, PixelData=pixels))
    form = form_of(instance, syntaxes.JPEG_2000_LOSSLESS, shared_archive)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: transcoded_frame(instance, form, 0, archive=shared_archive), range(8)))

    assert len({id(answer) for answer in answers}) == 1


def test_frames_above_the_limit_are_refused(folder: Path) -> None:
    with opened(folder, retrieve=RetrieveSettings(max_frame_pixels=15)) as archive:
        instance = stored(archive, two_frames())

        with pytest.raises(NotAcceptable):
            form_of(instance, syntaxes.RLE_LOSSLESS, archive)


def test_what_is_called_subsampled_and_is_not_is_taken_as_it_is(shared_archive: Archive) -> None:
    dataset = make_dataset(
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_FULL_422",
        PlanarConfiguration=0,
        PixelData=bytes(range(48)),
    )
    instance = stored(shared_archive, dataset)

    form = form_of(instance, syntaxes.ENCAPSULATED_UNCOMPRESSED, shared_archive)

    assert form.encoded.photometric_interpretation == "YBR_FULL"
    assert transcoded_frame(instance, form, 0, archive=shared_archive) == bytes(range(48))


def test_frames_that_describe_themselves_badly_are_refused(shared_archive: Archive) -> None:
    instance = stored(shared_archive, make_dataset(PhotometricInterpretation="NONE", BitsStored=8))

    with pytest.raises(NotAcceptable):
        form_of(instance, syntaxes.JPEG_LS_LOSSLESS, shared_archive)
