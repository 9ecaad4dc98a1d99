"""Retrieve instances, metadata, frames and bulk data of studies (WADO-RS).

Each function decides first - target, state, representation of every part - and returns a record of its choice;
the bytes are read while they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from hilum.archive.archive import Archive
from hilum.archive.metadata import instance_metadata, series_metadata
from hilum.archive.objects import (
    as_received,
    bulk_values,
    frame_bytes,
    frames_of,
    has_travelling_blob,
    stored_frame_length,
    wire_bytes,
    wire_length,
)
from hilum.archive.pixels import decode_object, decoded_bytes, decoded_frame, pixel_format_of
from hilum.dicom.charsets import text_as_utf8
from hilum.dicom.pixels.transcode import decoded_format
from hilum.dicom.reading.instance import BulkValue, Frames
from hilum.dicom.resources import TargetResource
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, NATIVE_SYNTAXES
from hilum.errors import InvalidRequest, NotAcceptable, PayloadTooLarge, TargetNotFound
from hilum.services.studies.offers import bulk_offers, frame_offers, object_offers
from hilum.store.rows.records import SeriesVersion, StoredInstance
from hilum.wire.selection import Acceptable, Offer, Packaging, select

_TEXT_VRS = frozenset({"LT", "ST", "UC", "UT", "UR"})
_PIXEL_DATA = "7FE00010"
_MOST_PARTS = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """One representation of a response: its form, its resource, its bytes."""

    offer: Offer
    path: str
    """Path of the resource below the service root, for Content-Location."""
    length: int | None
    """Bytes; None where only sending tells."""
    version: str
    """What the bytes depend on, beside their form, for the ETag."""
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The parts of a response, all of one packaging; `left_out` counts what no acceptable form exists for (206)."""

    parts: Sequence[Part]
    left_out: int = 0

    @property
    def packaging(self) -> Packaging:
        """How the parts travel."""
        return self.parts[0].offer.packaging


def retrieve_instances(target: TargetResource, acceptable: Acceptable, *, archive: Archive) -> Retrieved:
    """Choose how the instances of a study, series or instance are given out, each by itself (NEG-18).

    Raises:
        TargetNotFound, TargetGone: nothing is there.
        NotAcceptable: no instance has an acceptable form.

    Source: PS3.18 10.4.1.1.1, 8.7.8.
    """
    instances = _instances(target, archive)
    packagings: tuple[Packaging, ...] = (Packaging.MULTIPART,)
    if target.sop_instance_uid:
        # WADO-26: a single part holds exactly one instance, so only the instance resource has one.
        packagings = (Packaging.MULTIPART, Packaging.SINGLE)
    chosen = (_best_part(instance, packagings, acceptable, archive) for instance in instances)
    parts = [part for part in chosen if part is not None]
    if not parts:
        raise _not_acceptable(object_offers(instances[0].transfer_syntax_uid, packagings))
    return Retrieved(parts, left_out=len(instances) - len(parts))


def _best_part(
    instance: StoredInstance, packagings: tuple[Packaging, ...], acceptable: Acceptable, archive: Archive
) -> Part | None:
    """Return the preferred form that this very instance can be given in; None: there is no acceptable one."""
    offers = object_offers(instance.transfer_syntax_uid, packagings)
    while (offer := _select(offers, acceptable)) is not None:
        try:
            return _object_part(instance, offer, archive)
        except NotAcceptable:
            offers = tuple(other for other in offers if other.transfer_syntax_uid != offer.transfer_syntax_uid)
    return None


def _object_part(instance: StoredInstance, offer: Offer, archive: Archive) -> Part:
    version = f"{instance.blob_id}/{offer.transfer_syntax_uid}"
    is_native = instance.transfer_syntax_uid in NATIVE_SYNTAXES
    is_decoded = offer.transfer_syntax_uid != instance.transfer_syntax_uid and not is_native
    if is_decoded:
        decoded = decode_object(instance, archive=archive)
        pixels = partial(decoded_bytes, instance, decoded, archive=archive)
        return Part(offer, instance.path, decoded.length, version, pixels)
    if offer.transfer_syntax_uid == instance.transfer_syntax_uid and has_travelling_blob(instance, archive=archive):
        read = partial(wire_bytes, as_received(instance), archive=archive)
        return Part(offer, instance.path, instance.size_bytes, version, read)
    read = partial(wire_bytes, instance, archive=archive)
    return Part(offer, instance.path, wire_length(instance), version, read)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a target as a JSON array; `chunks` needs the base URL of bulk data."""

    version: str
    chunks: Callable[[str], Iterator[bytes]]


def retrieve_metadata(target: TargetResource, *, archive: Archive) -> Metadata:
    """Return the metadata of all instances of a study, series or instance.

    Raises:
        TargetNotFound, TargetGone: nothing is there.

    Source: PS3.18 10.4.1.1.2.
    """
    if target.sop_instance_uid:
        instance = _instances(target, archive)[0]
        return Metadata(
            instance.blob_id, lambda base_url: _array(instance_metadata(instance, base_url, archive=archive))
        )
    versions = archive.index.series_versions(target.study_instance_uid, target.series_instance_uid or None)
    version = ",".join(f"{series.series_id}.{series.version}" for series in versions)
    return Metadata(version, lambda base_url: _array(_of_all_series(versions, base_url, archive)))


def _of_all_series(versions: Sequence[SeriesVersion], base_url: str, archive: Archive) -> Iterator[bytes]:
    comma = b""
    for version in versions:
        chunks = series_metadata(version, base_url, archive=archive)
        # A series whose last instance was deleted meanwhile has none.
        if first := next(chunks, b""):
            yield comma + first if comma else first
            yield from chunks
            comma = b","


def _array(members: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a JSON array; one that comes as a single chunk stays one."""
    first = next(members, b"")
    second = next(members, None)
    if second is None:
        yield b"[%b]" % first
        return
    yield b"[" + first
    yield second
    yield from members
    yield b"]"


def retrieve_frames(
    target: TargetResource, frame_numbers: Sequence[int], acceptable: Acceptable, *, archive: Archive
) -> Retrieved:
    """Choose how frames of an instance are given out, one part a frame (MT-22).

    Args:
        target: an instance.
        frame_numbers: from 1, ascending.
        acceptable: what the user agent accepts.
        archive: where the instance is stored.

    Raises:
        TargetNotFound: no such instance, no frames in it, or a number beyond the last.
        NotAcceptable: the frames have no acceptable form.

    Source: PS3.18 10.4.1.1.6.
    """
    instance = _instances(target, archive)[0]
    frames = frames_of(instance, archive=archive)
    if frames is None:
        raise TargetNotFound("The instance has no frames.")
    if frame_numbers[-1] > frames.count:
        raise TargetNotFound(f"The instance has {frames.count} frames.")
    packagings = (Packaging.MULTIPART, Packaging.SINGLE) if len(frame_numbers) == 1 else (Packaging.MULTIPART,)
    offers = frame_offers(instance.transfer_syntax_uid, packagings)
    offer = _select(offers, acceptable)
    if offer is None:
        raise _not_acceptable(offers)
    reader = _frame_reader(instance, frames, offer, archive)
    return Retrieved([_frame_part(instance, offer, reader, number) for number in frame_numbers])


@dataclass(frozen=True, slots=True)
class _FrameReader:
    """How frames of one request are read, and how long they are (None: only reading tells)."""

    read: Callable[[int], bytes]
    length: Callable[[int], int | None]


def _frame_reader(instance: StoredInstance, frames: Frames, offer: Offer, archive: Archive) -> _FrameReader:
    is_native = instance.transfer_syntax_uid in NATIVE_SYNTAXES
    if not is_native and offer.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN:
        source = pixel_format_of(instance, archive=archive)
        length = decoded_format(source, instance.transfer_syntax_uid).frame_bytes
        return _FrameReader(
            lambda frame_index: decoded_frame(instance, frames, source, frame_index, archive=archive),
            lambda _frame_index: length,
        )
    return _FrameReader(
        lambda frame_index: frame_bytes(instance, frames, frame_index, archive=archive),
        lambda frame_index: stored_frame_length(frames, frame_index),
    )


def _frame_part(instance: StoredInstance, offer: Offer, reader: _FrameReader, number: int) -> Part:
    return Part(
        offer,
        f"{instance.path}/frames/{number}",
        reader.length(number - 1),
        f"{instance.blob_id}/{number}/{offer.transfer_syntax_uid}",
        partial(_once, reader.read, number - 1),
    )


def _once(read: Callable[[int], bytes], frame_index: int) -> Iterator[bytes]:
    yield read(frame_index)


def retrieve_bulk_data(
    target: TargetResource, bulk_path: str, acceptable: Acceptable, *, archive: Archive
) -> Retrieved:
    """Choose how one bulk value of an instance is given out, by the path that its metadata name.

    Encapsulated pixel data come frame by frame, all else as one value: little endian, text as UTF-8 (JSON-39).

    Raises:
        TargetNotFound: no such instance, or no such bulk value in it.
        NotAcceptable: the value has no acceptable form.

    Source: PS3.18 10.4.1.1.5.
    """
    instance = _instances(target, archive)[0]
    values, character_set = bulk_values(instance, archive=archive)
    value = next((value for value in values if value.path == bulk_path), None)
    if value is None:
        raise TargetNotFound("The instance has no bulk data of this name.")
    if bulk_path == _PIXEL_DATA and instance.transfer_syntax_uid not in NATIVE_SYNTAXES:
        frames = frames_of(instance, archive=archive)
        if frames is not None and frames.count > _MOST_PARTS:
            raise PayloadTooLarge("The instance has too many frames for one answer: ask for lists of frames.")
        if frames is not None:
            return retrieve_frames(target, range(1, frames.count + 1), acceptable, archive=archive)
    offers = bulk_offers("application/octet-stream")
    offer = _select(offers, acceptable)
    if offer is None:
        raise _not_acceptable(offers)
    path = f"{instance.path}/bulkdata/{bulk_path}"
    version = f"{instance.blob_id}/{bulk_path}"
    if value.vr in _TEXT_VRS:
        raw = b"".join(_bulk_bytes(instance, value, archive))
        text = text_as_utf8(raw, character_set)
        return Retrieved([Part(offer, path, len(text), version, lambda: iter((text,)))])
    return Retrieved([Part(offer, path, value.length, version, partial(_bulk_bytes, instance, value, archive))])


def _bulk_bytes(instance: StoredInstance, value: BulkValue, archive: Archive) -> Iterator[bytes]:
    return wire_bytes(instance, archive=archive, offset=value.offset, length=value.length)


def _instances(target: TargetResource, archive: Archive) -> Sequence[StoredInstance]:
    study, series, instance = target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    if instance:
        return (archive.index.find_instance(study, series, instance),)
    return archive.index.list_instances(study, series or None)


def _select(offers: tuple[Offer, ...], acceptable: Acceptable) -> Offer | None:
    try:
        return select(offers, acceptable)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def _not_acceptable(offers: Sequence[Offer]) -> NotAcceptable:
    return NotAcceptable(f"Available: {', '.join(str(offer) for offer in offers)}.")
