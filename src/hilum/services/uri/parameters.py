"""The query of the URI Service as checked values (PS3.18 9.1.2, 9.4.1, 9.5.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from hilum.dicom.resources import TargetResource
from hilum.dicom.uids import is_uid
from hilum.errors import InvalidRequest
from hilum.render.documents.characters import charset_parameter
from hilum.render.parameter_text import MAX_SIDE, checked_window, parse_annotation
from hilum.render.parameters import Annotation, RelativeRegion, RenderingParameters, Viewport, Window
from hilum.wire.accept import MediaRange, parse_accept, parse_accept_parameter
from hilum.wire.selection import Acceptable, Images, Offer, Packaging, mixes_dicom_and_rendered, select

T = TypeVar("T")

DICOM: Final = "application/dicom"
_ANY: Final = "*"
_DICOM_OFFERS: Final = (Offer(Packaging.SINGLE, DICOM),)
_INTEGER: Final = re.compile(r"[0-9]{1,9}")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})?")
_LONGEST: Final = 4096

USUAL_SPELLINGS: Final[Mapping[str, str]] = {"application/text": "text/plain", "application/html": "text/html"}
"""Media types as the tables of IHE RAD-55 print them, and what they mean."""
_ODD_SPELLING: Final = re.compile(r"(?<![^\s,])application/(?:text|html)(?=[\s,;]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UriRequest:
    """What one request asks for."""

    target: TargetResource
    acceptable: Acceptable
    content_type: tuple[MediaRange, ...]
    """The media types of `contentType`; (): it is missing."""
    rendering: RenderingParameters
    frame_number: int | None = None
    transfer_syntax: str | None = None
    """A UID, or `*`."""
    is_anonymized: bool = False

    @property
    def names_dicom(self) -> bool:
        """Whether `contentType` asks for DICOM."""
        return any(f"{found.type}/{found.subtype}" == DICOM for found in self.content_type)

    @property
    def shapes_pixels(self) -> bool:
        """Whether parameters of rendering are given, annotation apart (Table 9.5.1-1)."""
        asked = self.rendering
        shaped = (asked.window, asked.viewport, asked.quality, asked.presentation_state, self.frame_number)
        return any(value is not None for value in shaped)


def parse_uri_request(query: Mapping[str, list[str]], accept: str) -> UriRequest:
    """Return a request of the URI Service.

    Args:
        query: name to values, percent-decoded; names that are no parameter are passed over.
        accept: the Accept header, '' where it is missing: that is as good as `*/*` (URI-12).

    Raises:
        InvalidRequest: a parameter is missing, malformed, or contradicts another; the message names it.

    Source: PS3.18 9.4.2, 9.5.2 (URI-01 to URI-48).
    """
    values = {name: _once(name, found) for name, found in query.items() if name in _NAMES}
    accept = _spelt_usually(accept)
    if "contentType" in values:
        values["contentType"] = _spelt_usually(values["contentType"])
    if values.get("requestType") != "WADO":
        raise InvalidRequest("The parameter requestType must be WADO.")
    target = TargetResource(*(_uid(values, name) for name in ("studyUID", "seriesUID", "objectUID")))
    content_type = _content_type(values.get("contentType"))
    acceptable = Acceptable(accept or "*/*", values.get("contentType"))
    _check_acceptable(acceptable, content_type)
    request = UriRequest(
        target,
        acceptable,
        content_type,
        _rendering(values, target),
        _optional(values, "frameNumber", _positive),
        _optional(values, "transferSyntax", _transfer_syntax),
        _optional(values, "anonymize", _yes) is not None,
    )
    _check_together(request)
    return request


def _spelt_usually(media_types: str) -> str:
    """Return media types with those that IHE RAD-55 spells in its own way under their usual names."""
    return _ODD_SPELLING.sub(lambda found: USUAL_SPELLINGS[found[0].lower()], media_types)


_NAMES: Final = frozenset(
    {
        *("requestType", "studyUID", "seriesUID", "objectUID", "contentType", "charset", "anonymize"),
        *("transferSyntax", "annotation", "imageAnnotation", "frameNumber", "rows", "columns", "region"),
        *("windowCenter", "windowWidth", "imageQuality", "presentationSeriesUID", "presentationUID"),
    }
)


def _once(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise InvalidRequest(f"The parameter {name} is given more than once.")
    if len(values[0]) > _LONGEST:
        raise InvalidRequest(f"The parameter {name} is too long.")
    return values[0]


def _uid(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "")
    if not is_uid(text):
        raise InvalidRequest(f"The parameter {name} must be a UID.")
    return text


def _optional(values: Mapping[str, str], name: str, parse: Callable[[str, str], T]) -> T | None:
    text = values.get(name)
    return None if text is None else parse(name, text)


def _content_type(text: str | None) -> tuple[MediaRange, ...]:
    if text is None:
        return ()
    try:
        return parse_accept_parameter(text)
    except ValueError as error:
        raise InvalidRequest("The parameter contentType must be a list of media types, without wildcards.") from error


def _check_acceptable(acceptable: Acceptable, content_type: tuple[MediaRange, ...]) -> None:
    """Refuse parameters of media types (URI-11) and DICOM beside Rendered media types (URI-10).

    Where `contentType` is given, the header only covers it: user agents name much in there that they do not expect.
    """
    for found in (*content_type, *parse_accept(acceptable.header)):
        if found.parameters.keys() & {"transfer-syntax", "charset"}:
            raise InvalidRequest("Media types take neither transfer-syntax nor charset here.")
    try:
        select(_DICOM_OFFERS, acceptable)
    except ValueError as error:
        raise InvalidRequest("The Accept header does not cover what contentType asks for.") from error
    judged = Acceptable(acceptable.parameter or acceptable.header)
    is_mixed = mixes_dicom_and_rendered(judged, Images.RENDERED)
    dicom = [found for found in content_type if f"{found.type}/{found.subtype}" == DICOM]
    if is_mixed or (dicom and len(dicom) < len(content_type)):
        raise InvalidRequest("DICOM media types and Rendered media types cannot be asked for at once.")


def _rendering(values: Mapping[str, str], target: TargetResource) -> RenderingParameters:
    annotation, unsupported = _annotation(values)
    return RenderingParameters(
        window=_window(values),
        viewport=_viewport(values),
        quality=_optional(values, "imageQuality", _quality),
        annotation=annotation,
        presentation_state=_presentation_state(values, target),
        charset=_optional(values, "charset", lambda _, text: charset_parameter(text)) or "",
        unsupported_annotations=unsupported,
    )


def _annotation(values: Mapping[str, str]) -> tuple[frozenset[Annotation], tuple[str, ...]]:
    """Return the annotations; the parameter goes by two names in the standard (URI-30)."""
    texts = {values[name] for name in ("annotation", "imageAnnotation") if name in values}
    if len(texts) > 1:
        raise InvalidRequest("The parameters annotation and imageAnnotation contradict each other.")
    return parse_annotation(texts.pop()) if texts else (frozenset(), ())


def _window(values: Mapping[str, str]) -> Window | None:
    center, width = (_optional(values, name, _decimal) for name in ("windowCenter", "windowWidth"))
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise InvalidRequest("The parameters windowCenter and windowWidth belong together.")
    return checked_window(center, width, None, "windowWidth")


def _viewport(values: Mapping[str, str]) -> Viewport | None:
    rows, columns = (_optional(values, name, _side) for name in ("rows", "columns"))
    region = _optional(values, "region", _region)
    if rows is None and columns is None and region is None:
        return None
    return Viewport(columns, rows, region)


def _presentation_state(values: Mapping[str, str], target: TargetResource) -> TargetResource | None:
    names = [name for name in ("presentationSeriesUID", "presentationUID") if name in values]
    if not names:
        return None
    if len(names) == 1:
        raise InvalidRequest("The parameters presentationSeriesUID and presentationUID belong together.")
    return TargetResource(target.study_instance_uid, *(_uid(values, name) for name in names))


def _check_together(request: UriRequest) -> None:
    rendering = request.rendering
    if rendering.presentation_state is not None and (rendering.window or request.frame_number is not None):
        raise InvalidRequest("A presentation state takes no window and no frameNumber.")
    if rendering.window is not None and request.names_dicom:
        raise InvalidRequest("A window belongs to rendered media types.")
    if request.is_anonymized and Annotation.PATIENT in rendering.annotation and not request.names_dicom:
        raise InvalidRequest("The patient is not named in what is anonymized.")


def _positive(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        raise InvalidRequest(f"The parameter {name} must be an integer from 1 on.")
    return int(text)


def _side(name: str, text: str) -> int:
    side = _positive(name, text)
    if side > MAX_SIDE:
        raise InvalidRequest(f"The parameter {name} must be at most {MAX_SIDE}.")
    return side


def _quality(name: str, text: str) -> int:
    quality = _positive(name, text)
    if quality > 100:
        raise InvalidRequest(f"The parameter {name} must be an integer from 1 to 100.")
    return quality


def _decimal(name: str, text: str) -> float:
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise InvalidRequest(f"The parameter {name} must be a decimal number.")
    return value


def _region(name: str, text: str) -> RelativeRegion:
    members = text.split(",")
    if len(members) != 4:
        raise InvalidRequest(f"The parameter {name} must be four numbers: xmin,ymin,xmax,ymax.")
    left, top, right, bottom = (_decimal(name, member) for member in members)
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InvalidRequest(f"The numbers of {name} must lie between 0 and 1, each minimum below its maximum.")
    return RelativeRegion(left, top, right, bottom)


def _transfer_syntax(name: str, text: str) -> str:
    if text != _ANY and not is_uid(text):
        raise InvalidRequest(f"The parameter {name} must be one UID.")
    return text


def _yes(name: str, text: str) -> str:
    if text != "yes":
        raise InvalidRequest(f"The parameter {name} must be yes.")
    return text
