"""The Retrieve Capabilities transaction of one target resource (PS3.18 8.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from hilum.web.description.capabilities import JSON, WADL, Element, describe, write_json, write_wadl
from hilum.web.origin import origin_of
from hilum.web.parse import select_metadata_type
from hilum.web.resources.resource import Resource
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.conditional import etag_of, none_match
from hilum.wire.selection import Acceptable, Offer, Packaging

_OFFERS: Final = (
    Offer(Packaging.SINGLE, WADL, is_default_type=True),
    Offer(Packaging.SINGLE, JSON),
)
_WRITERS: Final[Mapping[str, Callable[[Element], bytes]]] = {WADL: write_wadl, JSON: write_json}


class Capabilities:
    """What one target resource answers to OPTIONS."""

    def __init__(self, resources: tuple[Resource, ...], target: str) -> None:
        """Describe the row of `resources` at the path `target` and those below; '' is the base URI."""
        self._resources = resources
        self._target = target

    def retrieve(self, request: Request, *, allow: str) -> AnswerResponse:
        """Return the description in the form that the user agent prefers.

        Browsers and tools send OPTIONS without Accept, so a missing one takes WADL (CAP-06).

        Raises:
            InvalidRequest: the Accept header cannot be read.
            NotAcceptable: it has neither form.
        """
        origin = origin_of(request)
        accepted = ", ".join(request.headers.getlist("accept")) or "*/*"
        form = select_metadata_type(Acceptable(accepted, None), _OFFERS)
        description = describe(self._resources, self._target, base_url=origin.service_url(request))
        body = _WRITERS[form.media_type](description)
        etag = etag_of(form.media_type, body.decode())
        headers = {
            "Allow": allow,
            "Content-Type": form.media_type,
            "ETag": etag,
            "Vary": "Accept, Accept-Encoding",
            "Cache-Control": "private, no-cache",
        }
        if none_match(request.headers.get("if-none-match"), etag):
            return AnswerResponse(Answer(HTTPStatus.NOT_MODIFIED, headers, b""), origin.sender)
        return AnswerResponse(Answer(HTTPStatus.OK, headers, body), origin.sender)
