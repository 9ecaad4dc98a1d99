"""Rendered resources and thumbnails of the Studies Service (PS3.18 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.render.encoders.images import THUMBNAIL_TYPES
from hilum.render.representations import RENDERED_TYPES
from hilum.web.resources.resource import Handler, Parameter, Resource
from hilum.web.resources.shared import ACCEPT, CHARSET, RETRIEVE_STATUSES
from hilum.web.services import rendered

_STUDY: Final = "/studies/{study}"
_SERIES: Final = f"{_STUDY}/series/{{series}}"
_INSTANCE: Final = f"{_SERIES}/instances/{{instance}}"
_FRAMES: Final = f"{_INSTANCE}/frames/{{frames}}"

_SINGLE: Final = tuple(dict.fromkeys(row.media_type for row in RENDERED_TYPES))
_MULTIPART: Final = tuple(f'multipart/related; type="{media_type}"' for media_type in _SINGLE)

_VIEWPORT: Final = Parameter("viewport", "Width and height to fit into, and a region: `vw,vh[,sx,sy,sw,sh]`.")
_PARAMETERS: Final = (
    ACCEPT,
    CHARSET,
    Parameter("annotation", "What is burned in: a list of these.", options=("patient", "technique")),
    Parameter("quality", "1 to 100, of lossy media types.", "integer"),
    _VIEWPORT,
    Parameter("window", "Center, width and function: `linear`, `linear-exact` or `sigmoid`."),
    Parameter(
        "iccprofile",
        "Color space of the pixels, and whether its profile is in the image.",
        options=("no", "yes", "srgb", "adobergb", "rommrgb", "displayp3"),
    ),
)
_STATUSES: Final = (*RETRIEVE_STATUSES, HTTPStatus.SERVICE_UNAVAILABLE)


def _rendered(path: str, what: str, media_types: tuple[str, ...]) -> Resource:
    return Resource(
        "GET",
        f"{path}/rendered",
        rendered.retrieve_rendered,
        transaction=f"Retrieve Rendered {what}",
        source="PS3.18 10.4.1.1.3",
        statuses=_STATUSES,
        parameters=_PARAMETERS,
        media_types=media_types,
    )


def _thumbnail(path: str, what: str) -> Resource:
    handler: Handler = rendered.retrieve_thumbnail
    return Resource(
        "GET",
        f"{path}/thumbnail",
        handler,
        transaction=f"Retrieve {what} Thumbnail",
        source="PS3.18 10.4.1.1.4",
        statuses=_STATUSES,
        parameters=(ACCEPT, CHARSET, _VIEWPORT),
        media_types=tuple(THUMBNAIL_TYPES),
    )


RENDERED_RESOURCES: Final = (
    _rendered(_FRAMES, "Frames", (*_SINGLE, *_MULTIPART)),
    _rendered(_INSTANCE, "Instance", (*_SINGLE, *_MULTIPART)),
    _rendered(_SERIES, "Series", _MULTIPART),
    _rendered(_STUDY, "Study", _MULTIPART),
    _thumbnail(_FRAMES, "Frame"),
    _thumbnail(_INSTANCE, "Instance"),
    _thumbnail(_SERIES, "Series"),
    _thumbnail(_STUDY, "Study"),
)
