"""Retrieve bulk data and pixel data of studies, series and instances, and one bulk value by its URI.

Each part is a value that metadata name, under exactly that URI (WADO-48): little endian, text as UTF-8, a document in
its own media type, a video as its stream, compressed images a frame a part (MT-21 to MT-23), anything that is decoded
as one value (MT-28).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.documents import Document, document_of
from hilum.archive.negotiation import not_acceptable, selected_offer
from hilum.archive.objects import bulk_values, frames_of, wire_bytes
from hilum.archive.streams import stream_bytes, stream_of
from hilum.dicom.charsets import text_as_utf8
from hilum.dicom.reading.instance import BulkValue, Frames
from hilum.dicom.resources import TargetResource
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, NATIVE_SYNTAXES, VIDEO_SYNTAXES
from hilum.errors import NotAcceptable, PayloadTooLarge, TargetNotFound
from hilum.services.studies.offers import bulk_offers, frame_offers, pixel_data_offers
from hilum.services.studies.parts import Part, Retrieved, instances_of, once
from hilum.services.studies.retrieve import first_possible, frame_reader, retrieve_instances
from hilum.store.rows.records import StoredInstance
from hilum.wire.selection import Acceptable, Offer, Packaging

MOST_PARTS: Final = 20_000
"""Most parts of one answer; above it the target resource is too large (WADO-76)."""

_BOTH: Final = (Packaging.MULTIPART, Packaging.SINGLE)
_MULTIPART: Final = (Packaging.MULTIPART,)
_TEXT_VRS: Final = frozenset({"LT", "ST", "UC", "UT", "UR"})
_PIXEL_DATA: Final = "7FE00010"
_PIXEL_PATHS: Final = frozenset({_PIXEL_DATA, "7FE00008", "7FE00009"})
_OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class _Item:
    """One bulk value, and how a part of it may travel."""

    instance: StoredInstance
    value: BulkValue
    character_set: str
    packagings: tuple[Packaging, ...]

    @property
    def path(self) -> str:
        """Path of its resource, as metadata name it."""
        return f"{self.instance.path}/bulkdata/{self.value.path}"

    def version(self, offer: Offer) -> str:
        """Return what its bytes depend on."""
        return f"{self.instance.blob_id}/{self.value.path}/{offer.transfer_syntax_uid}"


def retrieve_bulk_value(
    target: TargetResource, bulk_path: str, acceptable: Acceptable, *, archive: Archive
) -> Retrieved:
    """Choose how one bulk value of an instance is given out, by the path that its metadata name.

    Raises:
        TargetNotFound: no such instance, or no such bulk value in it.
        NotAcceptable: the value has no acceptable form.

    Source: PS3.18 10.4.1.1.5.
    """
    instance = instances_of(target, archive)[0]
    items = [item for item in _items(instance, _BOTH, archive) if item.value.path == bulk_path]
    if not items:
        raise TargetNotFound("The instance has no bulk data of this name.")
    return _retrieved(items, acceptable, archive)


def retrieve_bulk_data(target: TargetResource, acceptable: Acceptable, *, archive: Archive) -> Retrieved:
    """Choose how all bulk values of a study, series or instance are given out, each by itself (NEG-18).

    Raises:
        TargetNotFound, TargetGone: nothing is there, or it has no bulk data.
        NotAcceptable: no bulk value has an acceptable form.
        PayloadTooLarge: there are more than `MOST_PARTS`.

    Source: PS3.18 10.4.1.1.5, 10.4.3.3.5.
    """
    instances = instances_of(target, archive)
    items = _bounded(item for instance in instances for item in _items(instance, _MULTIPART, archive))
    if not items:
        raise TargetNotFound("The target resource has no bulk data.")
    return _retrieved(items, acceptable, archive)


def retrieve_instances_or_bulk_data(target: TargetResource, acceptable: Acceptable, *, archive: Archive) -> Retrieved:
    """Choose how instances are given out; what asks for media types of bulk data alone means their bulk data.

    So user agents of the time before there were `/bulkdata` resources ask (WADO-20).

    Raises:
        TargetNotFound, TargetGone: nothing is there.
        NotAcceptable: there is no acceptable form of the instances, nor of their bulk data.
    """
    try:
        return retrieve_instances(target, acceptable, archive=archive)
    except NotAcceptable as refusal:
        try:
            return retrieve_bulk_data(target, acceptable, archive=archive)
        except (NotAcceptable, TargetNotFound):
            raise refusal from None


def retrieve_pixel_data(target: TargetResource, acceptable: Acceptable, *, archive: Archive) -> Retrieved:
    """Choose how the pixel data of a study, series or instance are given out, each instance's by themselves.

    Those of one instance may come as a single part: a video, a single frame, or a value that is not compressed.

    Raises:
        TargetNotFound, TargetGone: nothing is there, or it has no pixel data (WADO-60).
        NotAcceptable: no pixel data have an acceptable form.
        PayloadTooLarge: there are more than `MOST_PARTS` parts.

    Source: PS3.18 10.4.1.1.6.
    """
    packagings = _BOTH if target.sop_instance_uid else _MULTIPART
    instances = instances_of(target, archive)
    every = (item for instance in instances for item in _items(instance, packagings, archive))
    items = _bounded(item for item in every if item.value.path in _PIXEL_PATHS)
    if not items:
        raise TargetNotFound("The target resource has no pixel data.")
    return _retrieved(items, acceptable, archive)


def _items(instance: StoredInstance, packagings: tuple[Packaging, ...], archive: Archive) -> Iterator[_Item]:
    values, character_set = bulk_values(instance, archive=archive)
    for value in values:
        yield _Item(instance, value, character_set, packagings)


def _bounded(items: Iterator[_Item]) -> Sequence[_Item]:
    taken: list[_Item] = []
    for item in items:
        taken.append(item)
        _check_parts(len(taken))
    return taken


def _check_parts(count: int) -> None:
    if count > MOST_PARTS:
        raise PayloadTooLarge("The target resource has too many parts for one answer: ask for less of it.")


def _retrieved(items: Sequence[_Item], acceptable: Acceptable, archive: Archive) -> Retrieved:
    parts: list[Part] = []
    refusal: NotAcceptable | None = None
    left_out = 0
    for item in items:
        try:
            parts += _parts(item, acceptable, archive)
        except NotAcceptable as error:
            refusal = refusal or error
            left_out += 1
        _check_parts(len(parts))
    if refusal is not None and not parts:
        raise refusal
    return Retrieved(parts, left_out)


def _parts(item: _Item, acceptable: Acceptable, archive: Archive) -> list[Part]:
    """Return the preferred form of one bulk value: one part, or one a frame."""
    if item.value.path == _PIXEL_DATA:
        if item.instance.transfer_syntax_uid in VIDEO_SYNTAXES:
            return [_video_part(item, acceptable, archive)]
        frames = frames_of(item.instance, archive=archive)
        if frames is not None:
            return _image_parts(item, frames, acceptable, archive)
    document = document_of(item.instance, item.value, archive=archive)
    offer = selected_offer(bulk_offers(document.media_type if document else _OCTETS, item.packagings), acceptable)
    if item.value.vr in _TEXT_VRS:
        return [_text_part(item, offer, archive)]
    return [_value_part(item, offer, document, archive)]


def _video_part(item: _Item, acceptable: Acceptable, archive: Archive) -> Part:
    instance = item.instance
    offer = selected_offer(frame_offers(instance.transfer_syntax_uid, item.packagings), acceptable)
    stream = stream_of(instance, item.value, archive=archive)

    def ranged(offset: int, length: int) -> Iterator[bytes]:
        return stream_bytes(instance, stream, archive=archive, offset=offset, length=length)

    chunks = partial(stream_bytes, instance, stream, archive=archive)
    return Part(offer, item.path, stream.length, item.version(offer), chunks, ranged)


def _image_parts(item: _Item, frames: Frames, acceptable: Acceptable, archive: Archive) -> list[Part]:
    """Return a frame a part; what is not compressed comes as one value with all frames (MT-22, MT-28)."""
    instance = item.instance
    offers_of = frame_offers if frames.count == 1 else pixel_data_offers
    found = first_possible(
        instance,
        offers_of,
        item.packagings,
        acceptable,
        lambda offer: (offer, frame_reader(instance, frames, offer, archive)),
    )
    if found is None:
        raise not_acceptable(offers_of(instance.transfer_syntax_uid, item.packagings))
    offer, reader = found
    if _is_decoded(offer) and instance.transfer_syntax_uid in NATIVE_SYNTAXES:
        return [_value_part(item, offer, None, archive)]
    if _is_decoded(offer):
        length = reader.length(0)
        total = None if length is None else length * frames.count
        chunks = partial(_even, reader.read, frames.count)
        return [Part(offer, item.path, None if total is None else total + total % 2, item.version(offer), chunks)]
    _check_parts(frames.count)
    return [
        Part(
            offer,
            item.path,
            reader.length(index),
            f"{item.version(offer)}/{index}",
            once(partial(reader.read, index)),
        )
        for index in range(frames.count)
    ]


def _is_decoded(offer: Offer) -> bool:
    return offer.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN


def _even(read: Callable[[int], bytes], count: int) -> Iterator[bytes]:
    """Yield the frames of a value, which has an even length (PS3.5 8.1.1)."""
    total = 0
    for frame_index in range(count):
        frame = read(frame_index)
        total += len(frame)
        yield frame
    if total % 2:
        yield b"\0"


def _text_part(item: _Item, offer: Offer, archive: Archive) -> Part:
    def chunks() -> Iterator[bytes]:
        raw = b"".join(wire_bytes(item.instance, archive=archive, offset=item.value.offset, length=item.value.length))
        yield text_as_utf8(raw, item.character_set)

    if Packaging.SINGLE not in item.packagings:
        return Part(offer, item.path, None, item.version(offer), chunks)
    # By its URI it comes with its length, so that ranges of it can be had.
    text = b"".join(chunks())
    return Part(offer, item.path, len(text), item.version(offer), lambda: iter((text,)))


def _value_part(item: _Item, offer: Offer, document: Document | None, archive: Archive) -> Part:
    instance, value = item.instance, item.value
    is_document = document is not None and offer.media_type == document.media_type
    size = document.length if document is not None and is_document else value.length

    def ranged(offset: int, length: int) -> Iterator[bytes]:
        return wire_bytes(instance, archive=archive, offset=value.offset + offset, length=length)

    return Part(offer, item.path, size, item.version(offer), partial(ranged, 0, size), ranged)
