"""Choose how instances are rendered, by Resource Category and what the user agent accepts.

The Studies Service and the URI Service call `retrieve_rendered`; the bytes are made when a part is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.rendering.sources import source_of
from hilum.dicom.resources import TargetResource
from hilum.errors import InvalidRequest, NotAcceptable, PayloadTooLarge, TargetGone, TargetNotFound
from hilum.render.documents.characters import SUPPORTED, media_range_charset
from hilum.render.documents.documents import document_charset
from hilum.render.documents.report import stored_references
from hilum.render.parameters import PixelRegion, RenderingParameters
from hilum.render.rendering import Rendering
from hilum.render.representations import RENDERED_TYPES, Category, RenderedType, category_of, types_for
from hilum.render.source import Source
from hilum.render.states.references import is_presentation_state, referenced_frames
from hilum.store.rows.records import StoredInstance
from hilum.wire.selection import Acceptable, Offer, Packaging, select

_MOST_PARTS: Final = 1_000
_BOTH: Final = (Packaging.SINGLE, Packaging.MULTIPART)
_MULTIPART: Final = (Packaging.MULTIPART,)


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One rendered representation: its form, its resource, what its bytes depend on, and how to make them."""

    offer: Offer
    path: str
    """Path of the resource below the service root, for Content-Location."""
    version: str
    """What the bytes depend on, beside their media type, for the ETag."""
    render: Callable[[], bytes]
    """Make the bytes; raises NotAcceptable, PayloadTooLarge or InvalidRequest."""
    rendering: Rendering
    """What it is made of."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The parts of a response, all of one packaging; `left_out` counts what no acceptable form exists for (206)."""

    parts: Sequence[RenderedPart]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing that becomes a part: frames of an instance, seen through a presentation state or as they are."""

    instance: StoredInstance
    frames: Sequence[int] | None
    """Frame numbers; None: all of the instance."""
    state: StoredInstance | None
    path: str


def retrieve_rendered(
    target: TargetResource,
    frames: Sequence[int] | None,
    parameters: RenderingParameters,
    acceptable: Acceptable,
    *,
    archive: Archive,
) -> Rendered:
    """Choose how a study, series, instance or frames of an instance are rendered.

    Args:
        target: what to render; an instance of a presentation state stands for the images that it references.
        frames: frame numbers of an instance, from 1, ascending; None: the whole target.
        parameters: how.
        acceptable: what the user agent accepts.
        archive: where the instances are stored.

    Raises:
        TargetNotFound, TargetGone: nothing is there, or a frame number is beyond the last.
        NotAcceptable: nothing has an acceptable rendered form.
        InvalidRequest: a parameter does not fit the target, or the presentation state does not.

    Source: PS3.18 8.7.4, 10.4.1.1.3.
    """
    state = _state(parameters, archive)
    items = _items(target, frames, state, parameters, archive)
    packagings = _BOTH if target.sop_instance_uid and len(items) == 1 else _MULTIPART
    if len(items) > _MOST_PARTS:
        raise PayloadTooLarge(f"More than {_MOST_PARTS} representations would be rendered: ask for less at once.")
    wanted = _Wanted(acceptable, packagings)
    parts, available = [], list[str]()
    for item in items:
        part, offered = _part(item, parameters, wanted, archive)
        available += (str(offer) for offer in offered)
        if part is not None:
            parts.append(part)
    if not parts:
        raise NotAcceptable(
            f"Available: {', '.join(dict.fromkeys(available))}." if available else "There is no rendered form."
        )
    return Rendered(parts, left_out=len(items) - len(parts))


def _state(parameters: RenderingParameters, archive: Archive) -> StoredInstance | None:
    wanted = parameters.presentation_state
    if wanted is None:
        return None
    try:
        state = archive.index.find_instance(
            wanted.study_instance_uid, wanted.series_instance_uid, wanted.sop_instance_uid
        )
    except (TargetNotFound, TargetGone) as error:
        raise InvalidRequest("There is no such presentation state.") from error
    if not is_presentation_state(state.sop_class_uid):
        raise InvalidRequest("The presentation state named is none that images can be shown by.")
    _refuse_window(parameters)
    return state


def _refuse_window(parameters: RenderingParameters) -> None:
    """Refuse what a presentation state decides by itself (REND-25, REND-28)."""
    if parameters.window is not None:
        raise InvalidRequest("A presentation state takes no window.")


def _items(
    target: TargetResource,
    frames: Sequence[int] | None,
    state: StoredInstance | None,
    parameters: RenderingParameters,
    archive: Archive,
) -> list[_Item]:
    study, series, sop = target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    if not sop:
        instances = archive.index.list_instances(study, series or None)
        return [
            _Item(instance, None, state, f"{instance.path}/rendered")
            for instance in instances
            if not is_presentation_state(instance.sop_class_uid)
        ] or [_Item(instance, None, None, f"{instance.path}/rendered") for instance in instances]
    instance = archive.index.find_instance(study, series, sop)
    if is_presentation_state(instance.sop_class_uid):
        return _referenced(instance, frames, parameters, archive)
    if frames is None:
        return [_Item(instance, None, state, f"{instance.path}/rendered")]
    return [_Item(instance, (number,), state, f"{instance.path}/frames/{number}/rendered") for number in frames]


def _referenced(
    state: StoredInstance, frames: Sequence[int] | None, parameters: RenderingParameters, archive: Archive
) -> list[_Item]:
    """Return every image and frame that a presentation state references and that is stored (WADO-57)."""
    if frames is not None:
        raise TargetNotFound("The instance has no frames.")
    _refuse_window(parameters)
    viewport = parameters.viewport
    if viewport is not None and isinstance(viewport.region, PixelRegion):
        raise InvalidRequest("The viewport of a presentation state is a width and a height.")
    items = []
    for reference in referenced_frames(source_of(state, archive=archive).attributes):
        try:
            image = archive.index.find_instance(
                state.study_instance_uid, reference.series_instance_uid, reference.sop_instance_uid
            )
        except (TargetNotFound, TargetGone):
            continue
        items += [_Item(image, numbers, state, f"{state.path}/rendered") for numbers in _each(reference.frame_numbers)]
    if not items:
        raise NotAcceptable("None of the images that the presentation state references is stored here.")
    return items


def _each(numbers: Sequence[int]) -> list[Sequence[int] | None]:
    return [(number,) for number in numbers] if numbers else [None]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the user agent accepts, and how parts may travel."""

    acceptable: Acceptable
    packagings: tuple[Packaging, ...]


def _part(
    item: _Item, parameters: RenderingParameters, wanted: _Wanted, archive: Archive
) -> tuple[RenderedPart | None, tuple[Offer, ...]]:
    """Return the part of an item, None if it has no acceptable form, and what it could be."""
    try:
        source = source_of(item.instance, archive=archive)
    except NotAcceptable:
        if wanted.packagings == _BOTH:
            raise
        return None, ()
    indices = _frame_indices(source, item.frames)
    category = category_of(source, len(indices))
    offers = rendered_offers(types_for(source, category), wanted.packagings)
    try:
        offer = select(offers, wanted.acceptable)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    if offer is None:
        return None, offers
    row = next(row for row in RENDERED_TYPES if (row.category, row.media_type) == (category, offer.media_type))
    state_source = source_of(item.state, archive=archive) if item.state else None
    version = f"{item.instance.blob_id}/{item.state.blob_id if item.state else ''}/{list(indices)}"
    is_stored = _stored_instances(archive)
    if category is Category.TEXT:
        parameters, offer = _with_charset(source, parameters, offer, wanted.acceptable)
        version += stored_references(source.attributes, is_stored)
    max_pixels = archive.settings.rendering.max_pixels
    rendering = Rendering(source, indices, parameters, state_source, max_pixels, is_stored)
    part = RenderedPart(offer, item.path, f"{version}/{parameters}", partial(_render, row, rendering), rendering)
    return part, offers


def _with_charset(
    source: Source, parameters: RenderingParameters, offer: Offer, acceptable: Acceptable
) -> tuple[RenderingParameters, Offer]:
    """Return the parameters and the offer with the character set that the text comes in (CHR-07)."""
    accept = f"{acceptable.parameter},{acceptable.header}" if acceptable.parameter else acceptable.header
    charset = media_range_charset(accept, offer.media_type) or parameters.charset
    charset = document_charset(source, offer.media_type, charset)
    return replace(parameters, charset=charset), replace(offer, charsets=(charset,) if charset else ())


def _stored_instances(archive: Archive) -> Callable[[TargetResource], bool]:
    """Return what says whether an instance is stored; it asks once for each."""

    @lru_cache(maxsize=4096)
    def is_stored(target: TargetResource) -> bool:
        try:
            archive.index.find_instance(target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid)
        except (TargetNotFound, TargetGone):
            return False
        return True

    return is_stored


def _render(row: RenderedType, rendering: Rendering) -> bytes:
    return row.render(rendering)


def _frame_indices(source: Source, numbers: Sequence[int] | None) -> Sequence[int]:
    if numbers is None:
        return range(source.frame_count)
    if not source.pixels:
        raise TargetNotFound("The instance has no frames.")
    if numbers[-1] > source.frame_count:
        raise TargetNotFound(f"The instance has {source.frame_count} frames.")
    return [number - 1 for number in numbers]


@lru_cache(maxsize=64)
def rendered_offers(types: tuple[str, ...], packagings: tuple[Packaging, ...]) -> tuple[Offer, ...]:
    """Return offers of media types, of which the first is the default (MT-30).

    `*/*` takes the first: categories without a default of the standard's take any (MT-34).
    """
    return tuple(
        Offer(
            packaging,
            media_type,
            is_default_type=media_type == types[0],
            charsets=SUPPORTED if media_type.startswith("text/") else (),
        )
        for packaging in packagings
        for media_type in types
    )
