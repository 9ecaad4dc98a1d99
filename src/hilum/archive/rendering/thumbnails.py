"""Thumbnails: one small image for whatever exists, without anything that tells who the patient is (WADO-58)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.rendering.representative import representative
from hilum.archive.rendering.sources import source_of
from hilum.dicom.resources import TargetResource
from hilum.errors import InvalidRequest, NotAcceptable, PayloadTooLarge, TargetNotFound
from hilum.render.encoders.images import THUMBNAIL_TYPES
from hilum.render.parameters import RenderingParameters, Viewport
from hilum.render.picture import Picture
from hilum.render.thumbnail import icon_picture, thumbnail_picture
from hilum.store.rows.records import StoredInstance
from hilum.wire.selection import Acceptable, Offer, Packaging, select

_OFFERS: Final = tuple(
    Offer(Packaging.SINGLE, media_type, is_default_type=number == 0)
    for number, media_type in enumerate(THUMBNAIL_TYPES)
)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A chosen thumbnail; `render` makes its bytes, and always succeeds for what can be read."""

    offer: Offer
    path: str
    version: str
    """What the bytes depend on, beside their media type."""
    render: Callable[[], bytes]


def retrieve_thumbnail(
    target: TargetResource,
    frames: Sequence[int] | None,
    parameters: RenderingParameters,
    acceptable: Acceptable,
    *,
    archive: Archive,
) -> Thumbnail:
    """Choose the thumbnail of a study, series, instance or frame.

    Args:
        target: what it stands for.
        frames: frame numbers of an instance; the first is shown. None: the whole target.
        parameters: a viewport at most.
        acceptable: what the user agent accepts.
        archive: where the instances are stored.

    Raises:
        TargetNotFound, TargetGone: nothing is there.
        NotAcceptable: no acceptable image type.

    Source: PS3.18 10.4.1.1.4, 8.3.5.2.
    """
    try:
        offer = select(_OFFERS, acceptable)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    side = archive.settings.rendering.thumbnail_side
    viewport = parameters.viewport or Viewport(side, side)
    size = viewport.width or side, viewport.height or side
    version, choose = _choice(target, archive)
    if offer is None:
        raise NotAcceptable(f"Available: {', '.join(str(found) for found in _OFFERS)}.")
    if frames is not None:
        _check_frame(choose(), frames[-1], archive)
    path = target.path + (f"/frames/{','.join(map(str, frames))}" if frames else "") + "/thumbnail"
    frame = frames[0] if frames else None

    def render() -> bytes:
        return THUMBNAIL_TYPES[offer.media_type](_picture(choose(), frame, size, archive))

    return Thumbnail(offer, path, f"{version}/{frame}/{size}", render)


def _choice(target: TargetResource, archive: Archive) -> tuple[str, Callable[[], StoredInstance]]:
    """Return what the choice of an instance depends on, and how to make it when its bytes are not at hand."""
    study, series, sop = target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    if sop:
        instance = archive.index.find_instance(study, series, sop)
        return instance.blob_id, lambda: instance
    versions = archive.index.series_versions(study, series or None)

    def choose() -> StoredInstance:
        return representative(archive.index.list_instances(study, series or None), archive=archive)

    return ",".join(f"{found.series_id}.{found.version}" for found in versions), choose


def _check_frame(instance: StoredInstance, number: int, archive: Archive) -> None:
    source = source_of(instance, archive=archive)
    if number > source.frame_count:
        raise TargetNotFound(f"The instance has {source.frame_count} frames.")


def _picture(instance: StoredInstance, frame_number: int | None, size: tuple[int, int], archive: Archive) -> Picture:
    try:
        source = source_of(instance, archive=archive)
        return thumbnail_picture(source, frame_number, size, max_pixels=archive.settings.rendering.max_pixels)
    except (NotAcceptable, PayloadTooLarge, InvalidRequest):
        # Never an error for what exists: what cannot be shown has its sheet.
        return icon_picture(instance.sop_class_uid, size)
