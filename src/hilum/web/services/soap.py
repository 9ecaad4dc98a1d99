"""Handlers of the SOAP service: a message in, a message out; and its description (WADO-WS, IHE RAD-69)."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from starlette.requests import Request

from hilum.errors import TargetNotFound, UnsupportedMediaType
from hilum.soap import wado_ws
from hilum.soap.packaging import UnsupportedPackaging
from hilum.soap.wado_ws import SoapAnswer
from hilum.web.origin import origin_of
from hilum.web.transfer.receive import receive_whole
from hilum.web.transfer.send import Answer, AnswerResponse

SCHEMAS: Final = ("rs.xsd", "xds-b.xsd", "xdsi-b.xsd", "wado.xsd")
_XML: Final = "text/xml; charset=utf-8"
_ENDPOINT: Final = b"@ENDPOINT@"


async def carry_out(request: Request) -> AnswerResponse:
    """Carry out the request of a SOAP message (IHE RAD-69; PS3.18 2016e 6.4)."""
    origin = origin_of(request)
    content_type = request.headers.get("content-type", "")
    payload = await receive_whole(request, uploads=origin.uploads, max_bytes=origin.settings.soap.max_request_bytes)
    service_url = origin.service_url(request)

    def transact() -> SoapAnswer | Callable[[], SoapAnswer]:
        try:
            return wado_ws.answer(content_type, payload, base_url=service_url, archive=origin.archive)
        except UnsupportedPackaging as error:
            raise UnsupportedMediaType("Supported: application/soap+xml, and MTOM packages of it.") from error

    answer = await origin.messages.run(transact)
    if not isinstance(answer, SoapAnswer):
        # Rendering is the one thing that takes so long that it has threads of its own, and a queue that is bounded.
        answer = await origin.renderings.run(answer, request.receive)
    headers = {"Content-Type": answer.content_type, "Cache-Control": "no-store"}
    return AnswerResponse(Answer(answer.status, headers, answer.chunks), origin.sender)


async def describe(request: Request) -> AnswerResponse:
    """Give out the service description (`?wsdl`) or one of its schemas (`?xsd=NAME`)."""
    origin = origin_of(request)
    query = {name.lower(): value for name, value in request.query_params.items()}
    endpoint = origin.public_url.of(request) + origin.settings.http.soap_root
    if "wsdl" in query:
        text = _schema("service.wsdl").replace(_ENDPOINT, escape(endpoint).encode())
    elif query.get("xsd") in SCHEMAS:
        # Imports are relative to this very address, which ends in a query.
        text = _schema(query["xsd"]).replace(b'schemaLocation="', f'schemaLocation="{escape(endpoint)}?xsd='.encode())
    else:
        raise TargetNotFound("Messages are sent by POST; the description is at ?wsdl.")
    return AnswerResponse(Answer(HTTPStatus.OK, {"Content-Type": _XML}, text), origin.sender)


def _schema(name: str) -> bytes:
    return files("hilum.soap").joinpath("schemas", name).read_bytes()
