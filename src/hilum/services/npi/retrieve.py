"""Retrieve a non-patient instance: whole, its metadata, and a palette as a picture (PS3.18 12.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.negotiation import selected_offer
from hilum.archive.npi.objects import as_stored, metadata_of, travelling_syntax
from hilum.archive.objects import wire_bytes, wire_length
from hilum.errors import TargetNotFound
from hilum.render.attributes import Attributes
from hilum.render.color.palettes import palette_of
from hilum.render.color.strip import PICTURES, picture_of_palette
from hilum.store.npi.records import NonPatient
from hilum.wire.selection import Acceptable, Offer, Packaging

_JSON: Final = Offer(Packaging.SINGLE, "application/dicom+json", is_default_type=True, charsets=("utf-8",))
_XML: Final = (
    Offer(Packaging.MULTIPART, "application/dicom+xml", charsets=("utf-8",)),
    Offer(Packaging.SINGLE, "application/dicom+xml", charsets=("utf-8",)),
)
METADATA_OFFERS: Final = (_JSON, *_XML)
"""Forms of the metadata (NPI-05)."""

PICTURE_OFFERS: Final = tuple(
    Offer(Packaging.SINGLE, media_type, is_default_type=number == 0) for number, media_type in enumerate(PICTURES)
)

_COLOR_PALETTES: Final = "color-palettes"


@dataclass(frozen=True, slots=True)
class Representation:
    """An instance in the form that was chosen; its bytes are read while they are sent."""

    offer: Offer
    path: str
    version: str
    """What the bytes depend on, beside their form."""
    length: int | None
    """Bytes; None where only sending tells."""
    chunks: Callable[[], Iterator[bytes]]
    ranged: Callable[[int, int], Iterator[bytes]] | None = None


def retrieve_instance(category: str, uid: str, acceptable: Acceptable, *, archive: Archive) -> Representation:
    """Choose how an instance is given out.

    Raises:
        TargetNotFound: there is no such instance in the category (NPI-11).
        NotAcceptable: it has no acceptable form.
    """
    instance = archive.index.non_patients.find(category, uid)
    offer = selected_offer((*METADATA_OFFERS, *_object_offers(instance)), acceptable)
    if offer.media_type != "application/dicom":
        return _metadata(instance, offer, instance.path, archive)
    stored = as_stored(instance)

    def ranged(offset: int, length: int) -> Iterator[bytes]:
        return wire_bytes(stored, archive=archive, offset=offset, length=length)

    read = partial(wire_bytes, stored, archive=archive)
    return Representation(offer, instance.path, instance.blob_id, wire_length(stored), read, ranged)


def retrieve_metadata(category: str, uid: str, acceptable: Acceptable, *, archive: Archive) -> Representation:
    """Choose how the metadata of an instance are given out.

    Raises:
        TargetNotFound: there is no such instance in the category.
        NotAcceptable: they have no acceptable form.
    """
    instance = archive.index.non_patients.find(category, uid)
    offer = selected_offer(METADATA_OFFERS, acceptable)
    return _metadata(instance, offer, f"{instance.path}/metadata", archive)


def retrieve_picture(uid: str, acceptable: Acceptable, *, archive: Archive) -> Representation:
    """Choose how a color palette is shown as a picture, its first colour at the left.

    Raises:
        TargetNotFound: there is no such palette, or it has no colours.
        NotAcceptable: it has no acceptable form.
    """
    instance = archive.index.non_patients.find(_COLOR_PALETTES, uid)
    offer = selected_offer(PICTURE_OFFERS, acceptable)
    members = orjson.loads(b"".join(metadata_of(instance, archive=archive)))
    palette = palette_of(Attributes(members), signed_input=False)
    if palette is None:
        raise TargetNotFound("The palette has no colors.")
    picture = picture_of_palette(palette, offer.media_type)
    return Representation(offer, f"{instance.path}/rendered", instance.blob_id, len(picture), lambda: iter((picture,)))


def _object_offers(instance: NonPatient) -> tuple[Offer, ...]:
    uid = travelling_syntax(instance)
    return tuple(
        Offer(packaging, "application/dicom", uid, is_default_syntax=True)
        for packaging in (Packaging.SINGLE, Packaging.MULTIPART)
    )


def _metadata(instance: NonPatient, offer: Offer, path: str, archive: Archive) -> Representation:
    return Representation(offer, path, instance.blob_id, None, partial(_array, instance, archive))


def _array(instance: NonPatient, archive: Archive) -> Iterator[bytes]:
    """Yield the metadata as an array of one object (NPI-10)."""
    yield b"["
    yield from metadata_of(instance, archive=archive)
    yield b"]"
