"""Rendering parameters as a request of method 2 writes them: the names of the URI Service, the values checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hilum.dicom.resources import TargetResource
from hilum.dicom.uids import is_uid
from hilum.errors import InvalidRequest
from hilum.render.documents.characters import SUPPORTED, charset_parameter
from hilum.render.parameter_text import MAX_SIDE, checked_window, parse_annotation, parse_quality
from hilum.render.parameters import Annotation, RelativeRegion, RenderingParameters, Viewport, Window

_INTEGER: Final = re.compile(r"[0-9]{1,9}")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})?")
_CHARSET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,39}")
_WITH_STATE: Final = ("WindowCenter", "WindowWidth", "FrameNumber")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of one rendering."""

    parameters: RenderingParameters
    frame_number: int | None


def asked_of(texts: Mapping[str, str], charsets: Sequence[str], study_instance_uid: str, service_url: str) -> Asked:
    """Return the checked parameters of a request.

    Args:
        texts: by the name of the element.
        charsets: in order of preference.
        study_instance_uid: of the study that the image is in; a presentation state is of the same.
        service_url: base URL of the RESTful services, for links in documents.

    Raises:
        InvalidRequest: a value is malformed, or does not go with another; the message names the element.

    Source: PS3.18 2016e 6.4.2.1, 8.2.1 to 8.2.10 (as the parameters of the URI Service).
    """
    state = _presentation_state(texts, study_instance_uid)
    annotation, unsupported = _annotation(texts.get("Annotation"))
    parameters = RenderingParameters(
        window=_window(texts),
        viewport=_viewport(texts),
        quality=_quality(texts.get("ImageQuality")),
        annotation=annotation,
        presentation_state=state,
        charset=_charset(charsets),
        service_url=service_url,
        unsupported_annotations=unsupported,
    )
    return Asked(parameters, _frame_number(texts.get("FrameNumber")))


def _presentation_state(texts: Mapping[str, str], study_instance_uid: str) -> TargetResource | None:
    instance, series = texts.get("PresentationUID"), texts.get("PresentationSeriesUID")
    if instance is None and series is None:
        return None
    if not instance or not series:
        raise InvalidRequest("PresentationUID and PresentationSeriesUID need each other.")
    if not is_uid(instance) or not is_uid(series):
        raise InvalidRequest("PresentationUID and PresentationSeriesUID must be UIDs.")
    if any(name in texts for name in _WITH_STATE):
        raise InvalidRequest("A presentation state takes no window and no frame number.")
    return TargetResource(study_instance_uid, series, instance)


def _annotation(text: str | None) -> tuple[frozenset[Annotation], tuple[str, ...]]:
    if text is None:
        return frozenset(), ()
    try:
        return parse_annotation(",".join(member.strip() for member in text.split(",")))
    except InvalidRequest as error:
        raise InvalidRequest("Annotation must be patient, technique, or both with a comma between.") from error


def _window(texts: Mapping[str, str]) -> Window | None:
    center, width = texts.get("WindowCenter"), texts.get("WindowWidth")
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise InvalidRequest("WindowCenter and WindowWidth need each other.")
    return checked_window(_decimal("WindowCenter", center), _decimal("WindowWidth", width), None, "WindowWidth")


def _viewport(texts: Mapping[str, str]) -> Viewport | None:
    sides = {name: _side(name, texts[name]) if name in texts else None for name in ("Columns", "Rows")}
    region = _region(texts["Region"]) if "Region" in texts else None
    if region is None and not any(sides.values()):
        return None
    return Viewport(sides["Columns"], sides["Rows"], region)


def _side(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= MAX_SIDE:
        raise InvalidRequest(f"{name} must be an integer from 1 to {MAX_SIDE}.")
    return int(text)


def _region(text: str) -> RelativeRegion:
    members = [_decimal("Region", member.strip()) for member in text.split(",")]
    if len(members) != 4 or not all(0 <= member <= 1 for member in members):
        raise InvalidRequest("Region must be four numbers from 0.0 to 1.0: left, top, right, bottom.")
    left, top, right, bottom = members
    if left >= right or top >= bottom:
        raise InvalidRequest("Region must not be empty.")
    return RelativeRegion(left, top, right, bottom)


def _quality(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_quality(text)
    except InvalidRequest as error:
        raise InvalidRequest("ImageQuality must be an integer from 1 to 100.") from error


def _frame_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        raise InvalidRequest("FrameNumber must be an integer from 1.")
    return int(text)


def _charset(names: Sequence[str]) -> str:
    """Return the first character set that is known here; '' (UTF-8) where none is."""
    for name in names:
        if not _CHARSET.fullmatch(name):
            raise InvalidRequest("Charset must be the name of a character set.")
    supported = [name for name in names if name.lower() in SUPPORTED]
    return charset_parameter(",".join(supported)) if supported else ""


def _decimal(name: str, text: str) -> float:
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise InvalidRequest(f"{name} must be decimal.")
    return value
