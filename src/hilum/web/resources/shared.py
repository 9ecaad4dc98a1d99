"""What rows of several services say alike in the table of resources."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.web.resources.resource import Parameter

ACCEPT: Final = Parameter("accept", "Acceptable media types, as in the Accept header, without wildcards.")
CHARSET: Final = Parameter("charset", "Character set of text media types.")
PAGING: Final = (
    Parameter("includefield", "Attributes to return beyond the default ones: keywords or tags, or `all`."),
    Parameter("limit", "Most matches to return.", "integer"),
    Parameter("offset", "Matches to skip.", "integer"),
)
MATCHING: Final = (
    Parameter("fuzzymatching", "Person names match by words that are close to each other.", "boolean"),
    Parameter("emptyvaluematching", 'A key with the value `""` matches absent and empty attributes.', "boolean"),
    Parameter("multiplevaluematching", "A key may have several values, of which one must match.", "boolean"),
)

RETRIEVE_STATUSES: Final = (
    HTTPStatus.OK,
    HTTPStatus.PARTIAL_CONTENT,
    HTTPStatus.NOT_MODIFIED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.GONE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
)
SEARCH_STATUSES: Final = (
    HTTPStatus.OK,
    HTTPStatus.NO_CONTENT,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)
STORE_STATUSES: Final = (
    HTTPStatus.OK,
    HTTPStatus.ACCEPTED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
