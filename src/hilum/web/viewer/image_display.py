"""Handler of Invoke Image Display: another system's link leads to the viewer (IHE RAD-106)."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.requests import Request

from hilum.dicom.searching.query import MAX_QUERY_BYTES
from hilum.errors import InvalidRequest
from hilum.services.image_display.invoke import find_displayed
from hilum.services.image_display.request import ImageDisplay, parse_image_display
from hilum.web.origin import origin_of
from hilum.web.transfer.send import Answer, AnswerResponse

_ON_BOARD: Final = "/viewer?StudyInstanceUIDs={studyUIDs}"


async def display_images(request: Request) -> AnswerResponse:
    """Send the user agent on to the viewer with the studies that the request names (IHE RAD-106)."""
    origin = origin_of(request)
    if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
        raise InvalidRequest("The query is too long.")
    display = parse_image_display(request.query_params.multi_items())
    uids = await origin.pool.run(partial(find_displayed, display, archive=origin.archive))
    template = origin.settings.viewer.image_display_url or origin.settings.http.viewer_root + _ON_BOARD
    location = _filled(template, display, uids)
    # A path is this server's own, behind whatever prefix the user agent sees.
    if location.startswith("/"):
        location = origin.public_url.of(request) + location
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return AnswerResponse(Answer(HTTPStatus.FOUND, headers, b""), origin.sender)


def _filled(template: str, display: ImageDisplay, uids: tuple[str, ...]) -> str:
    values = {
        "studyUIDs": ",".join(uids),
        "patientID": quote(display.patient_id, safe=""),
        "viewerType": quote(display.viewer_type, safe=""),
        "diagnosticQuality": display.diagnostic_quality,
        "keyImagesOnly": display.key_images_only,
    }
    # The setting is checked to hold no other names in braces.
    return template.format_map(values)
