"""The service: a payload comes in, the answer to it goes out. It knows no HTTP but statuses and media types."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from lxml import etree

from hilum.archive.archive import Archive
from hilum.soap import documents, metadata
from hilum.soap.envelope import Incoming, parse_envelope, response_envelope
from hilum.soap.faults import FaultKind, SoapFault, fault_envelope
from hilum.soap.names import Method
from hilum.soap.packaging import (
    PLAIN_TYPE,
    Attachment,
    UnsupportedPackaging,
    packed_mtom,
    packed_plain,
    unpacked,
)
from hilum.soap.requests import document_set_requests, metadata_requests
from hilum.soap.responses import document_set_response, metadata_response

_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """An answer in plain values; its bytes are read while they are sent."""

    status: HTTPStatus
    content_type: str
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class _Response:
    """A body, and the documents beside it."""

    body: etree._Element
    attachments: Sequence[Attachment]


def answer(content_type: str, payload: bytes, *, base_url: str, archive: Archive) -> SoapAnswer:
    """Carry out one request.

    Args:
        content_type: of the payload.
        payload: all of it.
        base_url: of the RESTful services: bulk data of metadata are there.
        archive: where the instances are.

    Raises:
        UnsupportedPackaging: the payload is no SOAP message.

    Source: IHE RAD-69; PS3.18 2016e 6.4.
    """
    try:
        package = unpacked(content_type, payload)
        incoming = parse_envelope(package.message, refuses_security=archive.settings.soap.refuse_security_header)
        if incoming.has_security:
            _logger.info("A message brought a WS-Security header, which is passed over.")
        response = _carry_out(incoming, base_url, archive)
    except UnsupportedPackaging:
        raise
    except SoapFault as fault:
        return _fault(fault)
    except Exception:
        # The outermost layer of a message: the user agent learns nothing of what nobody foresaw.
        _logger.exception("A SOAP request failed.")
        return _fault(SoapFault(FaultKind.RECEIVER, "An unexpected error of the origin server."))
    message = response_envelope(incoming, response.body)
    is_plain = not response.attachments and not package.is_mtom
    packed = packed_plain(message) if is_plain else packed_mtom(message, response.attachments)
    return SoapAnswer(HTTPStatus.OK, packed.content_type, packed.chunks)


def _fault(fault: SoapFault) -> SoapAnswer:
    return SoapAnswer(fault.kind.value.status, PLAIN_TYPE, iter((fault_envelope(fault),)))


def _carry_out(incoming: Incoming, base_url: str, archive: Archive) -> _Response:
    most = archive.settings.soap.max_documents
    try:
        match incoming.method:
            case Method.DOCUMENTS:
                requests = document_set_requests(incoming.roots, most=most)
                outcome = documents.retrieve_documents(requests, archive=archive)
                body = document_set_response(outcome.returned, outcome.errors)
                return _Response(body, [one.attachment for one in outcome.returned])
            case Method.METADATA:
                wanted = metadata_requests(incoming.roots, most=most)
                found = metadata.retrieve_metadata(wanted, base_url=base_url, archive=archive)
                selected = [part for document in found.documents for part in document.selected if part is not None]
                return _Response(metadata_response(found.documents, found.errors), selected)
            case Method.RENDERED:
                return _not_offered()
    except SoapFault as fault:
        fault.relates_to = incoming.message_id
        raise


def _not_offered() -> _Response:
    raise SoapFault(FaultKind.RECEIVER, "Rendered documents are not offered.")
