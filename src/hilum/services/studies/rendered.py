"""Retrieve rendered resources and thumbnails (WADO-RS): the choices of `archive.rendering` as parts of a response."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.archive.archive import Archive
from hilum.archive.rendering import rendered, thumbnails
from hilum.dicom.resources import TargetResource
from hilum.render.parameters import RenderingParameters
from hilum.services.studies.parts import Part, Retrieved, once
from hilum.wire.selection import Acceptable


def retrieve_rendered(
    target: TargetResource,
    frames: Sequence[int] | None,
    parameters: RenderingParameters,
    acceptable: Acceptable,
    *,
    archive: Archive,
) -> Retrieved:
    """Choose how a study, series, instance or frames of an instance are rendered.

    Raises as `hilum.archive.rendering.rendered.retrieve_rendered` does.

    Source: PS3.18 10.4.1.1.3.
    """
    found = rendered.retrieve_rendered(target, frames, parameters, acceptable, archive=archive)
    return Retrieved(
        [Part(part.offer, part.path, None, part.version, once(part.render)) for part in found.parts],
        left_out=found.left_out,
    )


def retrieve_thumbnail(
    target: TargetResource,
    frames: Sequence[int] | None,
    parameters: RenderingParameters,
    acceptable: Acceptable,
    *,
    archive: Archive,
) -> Retrieved:
    """Choose the one image that stands for a study, series, instance or frame.

    Raises as `hilum.archive.rendering.thumbnails.retrieve_thumbnail` does.

    Source: PS3.18 10.4.1.1.4.
    """
    found = thumbnails.retrieve_thumbnail(target, frames, parameters, acceptable, archive=archive)
    return Retrieved([Part(found.offer, found.path, None, found.version, once(found.render))])
