"""Single frames of stored instances in another encapsulated transfer syntax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.objects import frame_bytes
from hilum.archive.pixels import decode_stored, remember_undecodable
from hilum.archive.transcoding.frame_results import FrameKey
from hilum.dicom.pixels.encode import ENCODERS, encode_frame, encoded_format
from hilum.dicom.pixels.pixel_format import PixelFormat, pixel_format
from hilum.dicom.pixels.transcode import decoded_format
from hilum.dicom.reading.instance import DecodeError, Frames, NativeFrames
from hilum.dicom.transfer_syntaxes import LOSSY_SYNTAXES
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance

_LOSSY_IMAGE_COMPRESSION: Final = "00282110"
_NO_FORM: Final = "The pixel data of the instance have no form in the transfer syntax."


@dataclass(frozen=True, slots=True)
class FrameForm:
    """How the frames of an instance get into another transfer syntax."""

    transfer_syntax_uid: str
    frames: Frames
    stored: PixelFormat
    native: PixelFormat
    encoded: PixelFormat


def frame_form(instance: StoredInstance, frames: Frames, transfer_syntax_uid: str, *, archive: Archive) -> FrameForm:
    """Return how the frames of an instance get into an encapsulated transfer syntax.

    Raises:
        NotAcceptable: they do not: their layout has no form in it, they are too large, or it would lose something of
            what is lossy already.
    """
    attributes = orjson.loads(archive.index.attributes(instance.instance_id))
    if f"{instance.blob_id}/{transfer_syntax_uid}" in archive.undecodable or instance.blob_id in archive.undecodable:
        raise NotAcceptable(_NO_FORM)
    if ENCODERS[transfer_syntax_uid].method and _is_lossy(instance, attributes):
        raise NotAcceptable("The instance is lossy compressed already, and is not so again.")
    try:
        stored = replace(pixel_format(attributes), number_of_frames=frames.count)
        native = _native_format(instance, frames, stored)
        encoded = encoded_format(native, transfer_syntax_uid)
    except DecodeError as error:
        raise NotAcceptable(_NO_FORM) from error
    if native.samples_per_frame > archive.settings.retrieve.max_frame_pixels:
        raise NotAcceptable("The frames of the instance are larger than this origin server encodes.")
    return FrameForm(transfer_syntax_uid, frames, stored, native, encoded)


def _is_lossy(instance: StoredInstance, attributes: Mapping[str, object]) -> bool:
    attribute = attributes.get(_LOSSY_IMAGE_COMPRESSION)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return instance.transfer_syntax_uid in LOSSY_SYNTAXES or values == ["01"]


def _native_format(instance: StoredInstance, frames: Frames, stored: PixelFormat) -> PixelFormat:
    if not isinstance(frames, NativeFrames):
        return decoded_format(stored, instance.transfer_syntax_uid)
    if frames.frame_bits != stored.frame_bits:
        # Some writers name a subsampled interpretation and keep all three samples.
        stored = replace(stored, photometric_interpretation="YBR_FULL")
    if frames.frame_bits != stored.frame_bits:
        raise DecodeError("The frames have another length than the data set declares.")
    return stored


def transcoded_frame(instance: StoredInstance, form: FrameForm, frame_index: int, *, archive: Archive) -> bytes:
    """Return the bare codestream of one frame in the syntax of `form`.

    Raises:
        IndexError: there is no such frame.
        NotAcceptable: the stored frame cannot be decoded, or this very frame has no form in the syntax.
    """

    def work() -> bytes:
        stored = frame_bytes(instance, form.frames, frame_index, archive=archive)
        with archive.codecs:
            native = stored
            if not isinstance(form.frames, NativeFrames):
                native = decode_stored(instance, stored, form.stored, archive=archive)
            try:
                return encode_frame(native, transfer_syntax_uid=form.transfer_syntax_uid, source=form.native)
            except DecodeError as error:
                remember_undecodable(f"{instance.blob_id}/{form.transfer_syntax_uid}", archive=archive)
                raise NotAcceptable(_NO_FORM) from error

    key = FrameKey(instance.blob_id, form.transfer_syntax_uid, frame_index)
    return archive.frame_results.get(key, work)
