"""What tests of transcoding ask of objects: samples by two decoders, and what else may have changed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder

from hilum.archive.archive import Archive
from hilum.archive.objects import frames_of, wire_bytes
from hilum.archive.pixels import decode_object, decoded_bytes
from hilum.archive.transcoding.frames import frame_form
from hilum.archive.transcoding.objects import transcode_object, transcoded_bytes
from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.encode import ENCODERS, LOSSLESS_TARGETS, LOSSY_TARGETS, _words
from hilum.dicom.pixels.pixel_format import pixel_format
from hilum.dicom.pixels.transcode import decode_frame, decoded_format
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance

SECOND_DECODERS = {
    syntaxes.RLE_LOSSLESS: "pydicom",
    syntaxes.JPEG_LOSSLESS_SV1: "gdcm",
    syntaxes.JPEG_LS_LOSSLESS: "gdcm",
    syntaxes.JPEG_2000_LOSSLESS: "gdcm",
}
"""Other decoders than ours that are installed, by transfer syntax, as plugins of pydicom."""
_PIXELS = {"PixelData", "PhotometricInterpretation", "PlanarConfiguration", "IconImageSequence"}
_HISTORY = {
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
    "ImageType",
    "DerivationDescription",
    "DerivationCodeSequence",
}


def read(data: bytes) -> Dataset:
    """Return an object with all its elements looked at, whatever pydicom warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(data))
        dataset.walk(lambda _dataset, element: element.value)
        return dataset


def transcoded(instance: StoredInstance, uid: str, archive: Archive) -> bytes:
    """Return a stored instance in another encapsulated transfer syntax."""
    return b"".join(transcoded_bytes(instance, transcode_object(instance, uid, archive=archive), archive=archive))


def explicit(instance: StoredInstance, archive: Archive) -> bytes:
    """Return a stored instance in Explicit VR Little Endian, decoded where it has to be."""
    if instance.transfer_syntax_uid in syntaxes.NATIVE_SYNTAXES:
        return b"".join(wire_bytes(instance, archive=archive))
    return b"".join(decoded_bytes(instance, decode_object(instance, archive=archive), archive=archive))


def our_samples(dataset: Dataset) -> NDArray[np.int64]:
    """Return all samples of an encapsulated object by our decoder, colour by pixel, in one row."""
    uid = dataset.file_meta.TransferSyntaxUID
    source = pixel_format(dataset.group_dataset(0x0028).to_json_dict())
    target = decoded_format(source, uid)
    rows = []
    for codestream in generate_frames(dataset.PixelData, number_of_frames=source.number_of_frames):
        frame = decode_frame(codestream, transfer_syntax_uid=uid, source=source, max_pixels=10**8)
        if target.bits_allocated == 1:
            bits = np.unpackbits(np.frombuffer(frame, np.uint8), count=target.samples_per_frame, bitorder="little")
            rows.append(bits.astype(np.int64))
        else:
            rows.append(_words(frame, target).ravel().astype(np.int64))
    samples = np.concatenate(rows)
    if target.pixel_representation:
        # Some writers leave the bits above the sign at zero; pydicom reads past them.
        unused = 64 - target.bits_stored
        samples = samples << unused >> unused
    return samples


def their_samples(dataset: Dataset) -> NDArray[np.int64]:
    """Return all samples of an object as pydicom decodes them, colour by pixel, in one row."""
    uid = dataset.file_meta.TransferSyntaxUID
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoder = get_decoder(uid)
        frames = decoder.iter_array(dataset, raw=True, decoding_plugin=SECOND_DECODERS.get(uid, ""))
        return np.concatenate([frame.ravel().astype(np.int64) for frame, _ in frames])


def targets(instance: StoredInstance, archive: Archive) -> Iterator[str]:
    """Yield the transfer syntaxes that an instance can be turned into."""
    frames = frames_of(instance, archive=archive)
    for uid in ENCODERS:
        try:
            if frames is not None and uid != instance.transfer_syntax_uid:
                frame_form(instance, frames, uid, archive=archive)
                yield uid
        except NotAcceptable:
            continue


def check(instance: StoredInstance, uid: str, original: Dataset, archive: Archive) -> None:
    """Check a transcoded object: it reads back, holds the samples of the original, and little else has changed."""
    dataset = read(transcoded(instance, uid, archive))
    assert dataset.file_meta.TransferSyntaxUID == uid
    assert dataset.file_meta.MediaStorageSOPInstanceUID == original.file_meta.MediaStorageSOPInstanceUID
    ours, expected = our_samples(dataset), their_samples(original)
    if uid in LOSSLESS_TARGETS:
        np.testing.assert_array_equal(ours, expected)
    else:
        assert ours.shape == expected.shape
        assert dataset.LossyImageCompression == "01"
    if uid in SECOND_DECODERS:
        np.testing.assert_array_equal(their_samples(dataset), expected)
    changed = _PIXELS | _HISTORY if uid in LOSSY_TARGETS else _PIXELS
    assert elements(dataset, changed) == elements(original, changed)


def elements(dataset: Dataset, changed: set[str]) -> dict[object, str]:
    """Return the elements of a data set that should be the same, as text; group lengths are nobody's."""
    return {
        element.tag: str(element)
        for element in dataset
        if element.keyword not in changed and element.tag.element and element.tag < 0x7FE00000
    }
