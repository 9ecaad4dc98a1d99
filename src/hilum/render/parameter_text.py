"""Reading rendering parameters as PS3.18 8.3.5.1 writes them in a query."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from hilum.errors import InvalidRequest
from hilum.render.documents.characters import charset_parameter
from hilum.render.parameters import (
    Annotation,
    IccProfile,
    PixelRegion,
    RenderingParameters,
    Viewport,
    VoiFunction,
    Window,
)

T = TypeVar("T")

MAX_SIDE: Final = 16_384
"""Longest side of a viewport, in pixels."""

_INTEGER: Final = re.compile(r"[0-9]{1,9}")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})?")
_KEYWORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_MAX_KEYWORDS: Final = 16

_FUNCTIONS: Final[Mapping[str, VoiFunction]] = {
    "linear": VoiFunction.LINEAR,
    "linear-exact": VoiFunction.LINEAR_EXACT,
    "sigmoid": VoiFunction.SIGMOID,
}

RENDERED_NAMES: Final = frozenset({"accept", "charset", "annotation", "quality", "viewport", "window", "iccprofile"})
THUMBNAIL_NAMES: Final = frozenset({"accept", "charset", "viewport"})


def parse_rendering(query: Mapping[str, list[str]]) -> RenderingParameters:
    """Return the parameters of a rendered resource.

    Args:
        query: name to values, percent-decoded. Names that are no rendering parameter are passed over.

    Raises:
        InvalidRequest: a value is malformed, or a parameter is given twice; the message names it.

    Source: PS3.18 8.3.5.1 (REND-10 to REND-34).
    """
    annotation, unsupported = _one(query, "annotation", parse_annotation) or (frozenset(), ())
    return RenderingParameters(
        window=_one(query, "window", parse_window),
        viewport=_one(query, "viewport", parse_viewport),
        quality=_one(query, "quality", parse_quality),
        annotation=annotation,
        icc_profile=_one(query, "iccprofile", parse_icc_profile),
        charset=_one(query, "charset", charset_parameter) or "",
        unsupported_annotations=unsupported,
    )


def parse_thumbnail(query: Mapping[str, list[str]]) -> RenderingParameters:
    """Return the parameters of a thumbnail: a size at most.

    Raises:
        InvalidRequest: a value is malformed, has a region, or belongs to rendered resources alone (REND-40).

    Source: PS3.18 8.3.5.2.
    """
    for name in sorted(RENDERED_NAMES - THUMBNAIL_NAMES):
        if name in query:
            raise InvalidRequest(f"A thumbnail takes no parameter {name}.")
    viewport = _one(query, "viewport", parse_viewport)
    if viewport is not None and viewport.region is not None:
        raise InvalidRequest("The viewport of a thumbnail is a width and a height.")
    return RenderingParameters(viewport=viewport, charset=_one(query, "charset", charset_parameter) or "")


def _one(query: Mapping[str, list[str]], name: str, parse: Callable[[str], T]) -> T | None:
    values = query.get(name)
    if values is None:
        return None
    if len(set(values)) > 1:
        raise InvalidRequest(f"The parameter {name} is given more than once.")
    return parse(values[0])


def parse_window(text: str) -> Window:
    """Return a window: center, width, function.

    >>> parse_window("40,400,linear-exact")
    Window(center=40.0, width=400.0, function=<VoiFunction.LINEAR_EXACT: 'LINEAR_EXACT'>)
    """
    members = text.split(",")
    if len(members) != 3:
        raise InvalidRequest("The parameter window must be a center, a width and a function.")
    function = _FUNCTIONS.get(members[2].lower())
    if function is None:
        raise InvalidRequest(f"The function of window must be one of {', '.join(_FUNCTIONS)}.")
    return checked_window(_decimal("window", members[0]), _decimal("window", members[1]), function, "window")


def checked_window(center: float, width: float, function: VoiFunction | None, name: str) -> Window:
    """Return a window whose width its function takes (REND-27).

    Raises:
        InvalidRequest: the width is too small; the message names the parameter `name`.
    """
    is_linear = function in (VoiFunction.LINEAR, None)
    if width < 1 if is_linear else width <= 0:
        bound = "at least 1" if is_linear else "above 0"
        raise InvalidRequest(f"The width of {name} must be {bound}.")
    return Window(center, width, function)


def parse_viewport(text: str) -> Viewport:
    """Return a viewport and its region (REND-20 to REND-25).

    >>> parse_viewport("512,256,,,-100,20.5").region
    PixelRegion(x=0.0, y=0.0, width=-100.0, height=20.5)
    """
    members = text.split(",")
    if not 2 <= len(members) <= 6 or not members[-1]:
        raise InvalidRequest("The parameter viewport must be a width, a height, and up to four numbers of a region.")
    width, height = (_side("viewport", member) for member in members[:2])
    if len(members) == 2:
        return Viewport(width, height)
    x, y, region_width, region_height = (
        _decimal("viewport", member) if member else None for member in [*members[2:], "", "", "", ""][:4]
    )
    if region_width == 0 or region_height == 0:
        raise InvalidRequest("The region of viewport must not be empty.")
    return Viewport(width, height, PixelRegion(abs(x or 0.0), abs(y or 0.0), region_width, region_height))


def _side(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= MAX_SIDE:
        raise InvalidRequest(f"Width and height of {name} must be integers from 1 to {MAX_SIDE}.")
    return int(text)


def parse_quality(text: str) -> int:
    """Return a quality, 1 to 100 (REND-15).

    >>> parse_quality("75")
    75
    """
    if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= 100:
        raise InvalidRequest("The parameter quality must be an integer from 1 to 100.")
    return int(text)


def parse_annotation(text: str) -> tuple[frozenset[Annotation], tuple[str, ...]]:
    """Return the annotations, and the keywords that are none here (REND-10 to REND-12).

    >>> parse_annotation("patient,laterality")
    (frozenset({<Annotation.PATIENT: 'patient'>}), ('laterality',))
    """
    members = text.split(",")
    if len(members) > _MAX_KEYWORDS or not all(_KEYWORD.fullmatch(member) for member in members):
        raise InvalidRequest("The parameter annotation must be a list of keywords such as patient,technique.")
    known = {annotation.value: annotation for annotation in Annotation}
    return (
        frozenset(known[member] for member in members if member in known),
        tuple(dict.fromkeys(member for member in members if member not in known)),
    )


def parse_icc_profile(text: str) -> IccProfile:
    """Return what is asked of the colour profile (REND-30).

    >>> parse_icc_profile("srgb")
    <IccProfile.SRGB: 'srgb'>
    """
    try:
        return IccProfile(text)
    except ValueError as error:
        names = ", ".join(profile.value for profile in IccProfile)
        raise InvalidRequest(f"The parameter iccprofile must be one of {names}.") from error


def _decimal(name: str, text: str) -> float:
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise InvalidRequest(f"The numbers of {name} must be decimal.")
    return value
