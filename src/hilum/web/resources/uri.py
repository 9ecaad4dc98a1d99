"""The resource of the URI Service (WADO-URI, PS3.18 chapter 9)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.render.representations import RENDERED_TYPES
from hilum.web.resources.resource import Parameter, Resource, Service
from hilum.web.services import uri

_PARAMETERS: Final = (
    Parameter("requestType", "`WADO`."),
    Parameter("studyUID", "Study Instance UID."),
    Parameter("seriesUID", "Series Instance UID."),
    Parameter("objectUID", "SOP Instance UID."),
    Parameter("contentType", "`application/dicom`, or a list of Rendered media types."),
    Parameter("charset", "Character set of text."),
    Parameter("anonymize", "`yes`: de-identified by the Basic Profile with the Clean Pixel Data Option."),
    Parameter("transferSyntax", "Transfer Syntax UID of the DICOM object, or `*`."),
    Parameter("annotation", "What is burned in: a list of `patient` and `technique`."),
    Parameter("imageAnnotation", "Another name of `annotation`."),
    Parameter("frameNumber", "One frame of several, from 1.", "integer"),
    Parameter("rows", "Most rows of the image.", "integer"),
    Parameter("columns", "Most columns of the image.", "integer"),
    Parameter("region", "Part of the image in fractions of its sides: `xmin,ymin,xmax,ymax`."),
    Parameter("windowCenter", "Center of the window, together with its width.", "number"),
    Parameter("windowWidth", "Width of the window.", "number"),
    Parameter("imageQuality", "1 to 100, of lossy media types.", "integer"),
    Parameter("presentationSeriesUID", "Series of the presentation state to apply."),
    Parameter("presentationUID", "SOP Instance UID of the presentation state to apply."),
)

URI_RESOURCES: Final = (
    Resource(
        "GET",
        "",
        uri.retrieve,
        transaction="Retrieve DICOM Instance, Retrieve Rendered Instance",
        source="PS3.18 9.4, 9.5",
        statuses=(
            HTTPStatus.OK,
            HTTPStatus.NOT_MODIFIED,
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.NOT_ACCEPTABLE,
            HTTPStatus.GONE,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
        parameters=_PARAMETERS,
        media_types=(*dict.fromkeys(row.media_type for row in RENDERED_TYPES), "application/dicom"),
    ),
)

URI_SERVICE: Final = Service("URI Service", lambda http: http.uri_root, URI_RESOURCES)
