"""Retrieve instances, metadata and frames of studies (WADO-RS).

Each function decides first - target, state, representation of every part - and returns a record of its choice;
the bytes are read while they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from hilum.archive.archive import Archive
from hilum.archive.metadata import instance_metadata, series_metadata
from hilum.archive.negotiation import not_acceptable, preferred_offer
from hilum.archive.objects import (
    as_received,
    exact_frame_length,
    frame_bytes,
    frames_of,
    has_travelling_blob,
    stored_frame_length,
    wire_bytes,
    wire_length,
)
from hilum.archive.pixels import decode_object, decoded_bytes, decoded_frame, pixel_format_of
from hilum.archive.transcoding.frames import frame_form, transcoded_frame
from hilum.archive.transcoding.objects import deflated_bytes, transcode_object, transcoded_bytes
from hilum.dicom.pixels.transcode import decoded_format
from hilum.dicom.reading.instance import Frames
from hilum.dicom.resources import TargetResource
from hilum.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    NATIVE_SYNTAXES,
    VIDEO_SYNTAXES,
)
from hilum.errors import NotAcceptable, TargetNotFound
from hilum.services.studies.offers import frame_offers, is_asked_for, object_offers, usual_offer
from hilum.services.studies.parts import Part, Retrieved, instances_of, once
from hilum.store.rows.records import SeriesVersion, StoredInstance
from hilum.wire.selection import Acceptable, Offer, Packaging

_Made = TypeVar("_Made")
_BOTH: Final = (Packaging.MULTIPART, Packaging.SINGLE)


def retrieve_instances(target: TargetResource, acceptable: Acceptable, *, archive: Archive) -> Retrieved:
    """Choose how the instances of a study, series or instance are given out, each by itself (NEG-18).

    Raises:
        TargetNotFound, TargetGone: nothing is there.
        NotAcceptable: no instance has an acceptable form.

    Source: PS3.18 10.4.1.1.1, 8.7.8.
    """
    instances = instances_of(target, archive)
    packagings: tuple[Packaging, ...] = (Packaging.MULTIPART,)
    if target.sop_instance_uid:
        # WADO-26: a single part holds exactly one instance, so only the instance resource has one.
        packagings = _BOTH
    chosen = (_best_part(instance, packagings, acceptable, archive) for instance in instances)
    parts = [part for part in chosen if part is not None]
    if not parts:
        raise not_acceptable(object_offers(instances[0].transfer_syntax_uid, packagings))
    return Retrieved(parts, left_out=len(instances) - len(parts))


def _best_part(
    instance: StoredInstance, packagings: tuple[Packaging, ...], acceptable: Acceptable, archive: Archive
) -> Part | None:
    """Return the preferred form that this very instance can be given in; None: there is no acceptable one."""
    return first_possible(
        instance, object_offers, packagings, acceptable, lambda offer: _object_part(instance, offer, archive)
    )


def first_possible(
    instance: StoredInstance,
    offers_of: Callable[[str, tuple[Packaging, ...]], tuple[Offer, ...]],
    packagings: tuple[Packaging, ...],
    acceptable: Acceptable,
    make: Callable[[Offer], _Made],
) -> _Made | None:
    """Return what `make` makes of the offer that the user agent likes best among those that this instance has.

    An offer that cannot be made of its pixels makes way for the next one (TSX-08); None: there is no acceptable one.
    """
    stored_syntax = instance.transfer_syntax_uid
    offer = usual_offer(offers_of, stored_syntax, packagings, acceptable)
    offers: tuple[Offer, ...] | None = None
    while offer is not None:
        if is_asked_for(offer, stored_syntax, acceptable):
            try:
                return make(offer)
            except NotAcceptable:
                pass
        refused = offer.transfer_syntax_uid
        offers = offers_of(stored_syntax, packagings) if offers is None else offers
        offers = tuple(other for other in offers if other.transfer_syntax_uid != refused)
        offer = preferred_offer(offers, acceptable)
    return None


def _object_part(instance: StoredInstance, offer: Offer, archive: Archive) -> Part:
    version = f"{instance.blob_id}/{offer.transfer_syntax_uid}"
    is_native = instance.transfer_syntax_uid in NATIVE_SYNTAXES
    is_other = offer.transfer_syntax_uid != instance.transfer_syntax_uid
    if is_other and offer.transfer_syntax_uid != EXPLICIT_VR_LITTLE_ENDIAN:
        return _transcoded_part(instance, offer, version, archive)
    if is_other and not is_native:
        decoded = decode_object(instance, archive=archive)
        pixels = partial(decoded_bytes, instance, decoded, archive=archive)
        return Part(offer, instance.path, decoded.length, version, pixels)
    if offer.transfer_syntax_uid == instance.transfer_syntax_uid and has_travelling_blob(instance, archive=archive):
        return _wire_part(as_received(instance), offer, version, archive)
    return _wire_part(instance, offer, version, archive)


def _transcoded_part(instance: StoredInstance, offer: Offer, version: str, archive: Archive) -> Part:
    if offer.transfer_syntax_uid == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        explicit = _object_part(instance, replace(offer, transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN), archive)
        return Part(offer, instance.path, None, version, lambda: deflated_bytes(explicit.chunks(), archive=archive))
    transcoded = transcode_object(instance, offer.transfer_syntax_uid, archive=archive)
    chunks = partial(transcoded_bytes, instance, transcoded, archive=archive)
    return Part(offer, instance.path, None, version, chunks)


def _wire_part(instance: StoredInstance, offer: Offer, version: str, archive: Archive) -> Part:
    read = partial(wire_bytes, instance, archive=archive)

    def ranged(offset: int, length: int) -> Iterator[bytes]:
        return wire_bytes(instance, archive=archive, offset=offset, length=length)

    return Part(offer, instance.path, wire_length(instance), version, read, ranged)


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
        instance = instances_of(target, archive)[0]
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
    instance = instances_of(target, archive)[0]
    frames = frames_of(instance, archive=archive)
    if frames is None:
        raise TargetNotFound("The instance has no frames.")
    if frame_numbers[-1] > frames.count:
        raise TargetNotFound(f"The instance has {frames.count} frames.")
    if instance.transfer_syntax_uid in VIDEO_SYNTAXES:
        # WADO-55: its frames cannot be told apart; the stream as a whole can be had.
        stream = ", ".join(map(str, frame_offers(instance.transfer_syntax_uid, _BOTH)))
        raise NotAcceptable(f"The instance is a video: its frames do not come one by one. /pixeldata has: {stream}.")
    packagings = _BOTH if len(frame_numbers) == 1 else (Packaging.MULTIPART,)
    found = first_possible(
        instance,
        frame_offers,
        packagings,
        acceptable,
        lambda offer: (offer, frame_reader(instance, frames, offer, archive)),
    )
    if found is None:
        raise not_acceptable(frame_offers(instance.transfer_syntax_uid, packagings))
    offer, reader = found
    if len(frame_numbers) == 1 and is_as_stored(offer, instance) and reader.length(frame_numbers[0] - 1) is None:
        # A single part has a length, so that ranges of it can be had; many frames are not worth a read each.
        reader = replace(reader, length=partial(exact_frame_length, instance, frames, archive=archive))
    return Retrieved([_frame_part(instance, offer, reader, number) for number in frame_numbers])


@dataclass(frozen=True, slots=True)
class FrameReader:
    """How frames of one request are read, and how long they are (None: only reading tells)."""

    read: Callable[[int], bytes]
    length: Callable[[int], int | None]


def frame_reader(instance: StoredInstance, frames: Frames, offer: Offer, archive: Archive) -> FrameReader:
    """Return how the frames of an instance are read in the form of `offer`.

    Raises:
        NotAcceptable: the pixels of the instance have no such form.
    """
    is_native = instance.transfer_syntax_uid in NATIVE_SYNTAXES
    if not is_as_stored(offer, instance) and offer.transfer_syntax_uid != EXPLICIT_VR_LITTLE_ENDIAN:
        form = frame_form(instance, frames, offer.transfer_syntax_uid, archive=archive)
        return FrameReader(
            lambda frame_index: transcoded_frame(instance, form, frame_index, archive=archive),
            lambda _frame_index: None,
        )
    if not is_native and offer.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN:
        source = pixel_format_of(instance, archive=archive)
        length = decoded_format(source, instance.transfer_syntax_uid).frame_bytes
        return FrameReader(
            lambda frame_index: decoded_frame(instance, frames, source, frame_index, archive=archive),
            lambda _frame_index: length,
        )
    return FrameReader(
        lambda frame_index: frame_bytes(instance, frames, frame_index, archive=archive),
        lambda frame_index: stored_frame_length(frames, frame_index),
    )


def is_as_stored(offer: Offer, instance: StoredInstance) -> bool:
    """Say whether an offer is the stored transfer syntax."""
    return offer.transfer_syntax_uid == instance.transfer_syntax_uid


def _frame_part(instance: StoredInstance, offer: Offer, reader: FrameReader, number: int) -> Part:
    return Part(
        offer,
        f"{instance.path}/frames/{number}",
        reader.length(number - 1),
        f"{instance.blob_id}/{number}/{offer.transfer_syntax_uid}",
        once(partial(reader.read, number - 1)),
    )
