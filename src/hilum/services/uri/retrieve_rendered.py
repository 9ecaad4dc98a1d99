"""Retrieve Rendered Instance (PS3.18 9.5), and which of the two transactions a request is (9.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.negotiation import selected_offer
from hilum.archive.rendering.rendered import RenderedPart, rendered_offers, retrieve_rendered
from hilum.archive.rendering.sources import source_of
from hilum.archive.rewriting.deidentified import deidentified_source
from hilum.archive.rewriting.secret import server_key
from hilum.errors import InvalidRequest, NotAcceptable
from hilum.render.rendering import Rendering
from hilum.render.representations import RENDERED_TYPES, Category, category_of, types_for
from hilum.render.source import Source
from hilum.services.uri.parameters import DICOM, UriRequest
from hilum.store.rows.records import StoredInstance
from hilum.wire.selection import Acceptable, Offer, Packaging

_SINGLE: Final = (Packaging.SINGLE,)
_IMAGES: Final = frozenset({Category.SINGLE_FRAME, Category.MULTI_FRAME, Category.VIDEO})


@dataclass(frozen=True, slots=True)
class DicomSelected:
    """The request is one of the other transaction: its selected media type is application/dicom."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """The target of a rendering."""

    source: Source
    frames: tuple[int, ...] | None
    category: Category


def retrieve_rendered_instance(
    request: UriRequest, service_url: str, *, archive: Archive
) -> RenderedPart | DicomSelected:
    """Choose the rendered representation of the target.

    Args:
        request: what is asked for.
        service_url: base URL of the RESTful services, for links in documents.
        archive: where the target is stored.

    Raises:
        TargetNotFound, TargetGone: there is no such object in that series of that study.
        NotAcceptable: it has no acceptable representation.
        InvalidRequest: a parameter does not fit the target.

    Source: PS3.18 9.3, 9.5.2 (URI-05 to URI-07, URI-20 to URI-39).
    """
    target = request.target
    instance = archive.index.find_instance(
        target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    )
    shown = _shown(instance, request, archive)
    offer = _selected(shown, request)
    if offer.media_type == DICOM:
        if request.shapes_pixels and (shown is None or shown.category in _IMAGES):
            raise NotAcceptable("Parameters of rendering do not go with application/dicom.")
        return DicomSelected()
    if shown is None:
        return DicomSelected()
    return _part(instance, shown, offer, _fitting(request, shown, service_url), archive)


def _shown(instance: StoredInstance, request: UriRequest, archive: Archive) -> _Shown | None:
    """Return what is to be rendered; None where nothing of it can be."""
    try:
        source = source_of(instance, archive=archive)
    except NotAcceptable:
        return None
    category = category_of(source, source.frame_count)
    number = request.frame_number
    if number is None or category not in _IMAGES:
        return _Shown(source, None, category)
    if source.frame_count == 1 and category is Category.SINGLE_FRAME:
        raise InvalidRequest("The parameter frameNumber is for images of several frames.")
    if number > source.frame_count:
        raise InvalidRequest(f"The parameter frameNumber is above {source.frame_count}, the number of frames.")
    return _Shown(source, (number,), category_of(source, 1))


def _selected(shown: _Shown | None, request: UriRequest) -> Offer:
    """Return the representation that the user agent prefers; DICOM is the default of what has no other (URI-07)."""
    offers = _offers(shown, request)
    return selected_offer(offers, request.acceptable)


def _offers(shown: _Shown | None, request: UriRequest) -> tuple[Offer, ...]:
    types: tuple[str, ...] = ()
    if shown is not None:
        types = types_for(shown.source, shown.category)
        if shown.category is Category.MULTI_FRAME:
            # URI-21: an image type without a frame number gives the first frame.
            still = types_for(shown.source, Category.SINGLE_FRAME)
            types = (*still, *(name for name in types if name not in still))
    has_default = shown is not None and (
        shown.category in (Category.SINGLE_FRAME, Category.TEXT)
        or (shown.category is Category.MULTI_FRAME and request.shapes_pixels)
    )
    offers = rendered_offers(types, _SINGLE) if types else ()
    if not (has_default and types):
        offers = tuple(replace(offer, is_default_type=False) for offer in offers)
    return (*offers, Offer(Packaging.SINGLE, DICOM, is_default_type=not (has_default and types)))


def _fitting(request: UriRequest, shown: _Shown, service_url: str) -> UriRequest:
    """Return the request with the parameters that count for its target: those of images for images (URI-50)."""
    rendering = replace(request.rendering, service_url=service_url)
    if shown.category not in _IMAGES:
        rendering = replace(
            rendering, window=None, viewport=None, quality=None, annotation=frozenset(), presentation_state=None
        )
    return replace(request, rendering=rendering)


def _part(instance: StoredInstance, shown: _Shown, offer: Offer, request: UriRequest, archive: Archive) -> RenderedPart:
    frames, category = shown.frames, shown.category
    if category is Category.MULTI_FRAME and offer.media_type not in types_for(shown.source, category):
        frames = (1,)
    if request.is_anonymized:
        return _anonymized(instance, frames, offer, request, archive)
    acceptable = Acceptable(offer.media_type)
    found = retrieve_rendered(request.target, frames, request.rendering, acceptable, archive=archive)
    return found.parts[0]


def _anonymized(
    instance: StoredInstance, frames: tuple[int, ...] | None, offer: Offer, request: UriRequest, archive: Archive
) -> RenderedPart:
    """Return a rendering of the de-identified instance; no path of it tells what was taken out."""
    if request.rendering.presentation_state is not None:
        raise InvalidRequest("A presentation state is not applied to what is anonymized.")
    source = deidentified_source(instance, archive=archive)
    indices = [number - 1 for number in frames] if frames else list(range(source.frame_count))
    category = category_of(source, len(indices))
    row = next((row for row in RENDERED_TYPES if (row.category, row.media_type) == (category, offer.media_type)), None)
    if row is None:
        raise NotAcceptable("The instance has no such form that could be anonymized.")
    rendering = Rendering(source, indices, request.rendering, None, archive.settings.rendering.max_pixels)
    key = server_key(archive.settings.data).hex()
    version = f"{instance.blob_id}/anonymized/{key}/{indices}/{request.rendering}"
    return RenderedPart(offer, "", version, partial(row.render, rendering), rendering)
