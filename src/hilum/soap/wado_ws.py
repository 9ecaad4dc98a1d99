"""The service: a payload comes in, the answer to it goes out. It knows no HTTP but statuses and media types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final, TypeVar

from lxml import etree

from hilum.archive.archive import Archive
from hilum.soap.envelope import Incoming, parse_envelope, response_envelope
from hilum.soap.faults import FaultKind, SoapFault, fault_envelope
from hilum.soap.methods import documents, metadata, rendered
from hilum.soap.names import RS, WADO, Method
from hilum.soap.packaging import (
    PLAIN_TYPE,
    Attachment,
    Package,
    UnsupportedPackaging,
    packed_mtom,
    packed_plain,
    unpacked,
)
from hilum.soap.requests import document_set_requests, metadata_requests, rendered_requests
from hilum.soap.responses import document_set_response, metadata_response, rendered_response

T = TypeVar("T")

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


def answer(
    content_type: str, payload: bytes, *, base_url: str, archive: Archive
) -> SoapAnswer | Callable[[], SoapAnswer]:
    """Carry out one request; one for rendered documents is left to the caller, since that work is long.

    Args:
        content_type: of the payload.
        payload: all of it.
        base_url: of the RESTful services: bulk data of metadata are there.
        archive: where the instances are.

    Raises:
        UnsupportedPackaging: the payload is no SOAP message.

    Source: IHE RAD-69; PS3.18 2016e 6.4.
    """
    return _or_fault(partial(_begun, content_type, payload, base_url, archive))


def _or_fault(work: Callable[[], T]) -> T | SoapAnswer:
    """Return what some work comes to, or the fault for what stops it."""
    try:
        return work()
    except UnsupportedPackaging:
        raise
    except SoapFault as fault:
        return _fault(fault)
    except Exception:
        # The outermost layer of a message: the user agent learns nothing of what nobody foresaw.
        _logger.exception("A SOAP request failed.")
        return _fault(SoapFault(FaultKind.RECEIVER, "An unexpected error of the origin server."))


def _fault(fault: SoapFault) -> SoapAnswer:
    return SoapAnswer(fault.kind.value.status, PLAIN_TYPE, iter((fault_envelope(fault),)))


def _begun(content_type: str, payload: bytes, base_url: str, archive: Archive) -> SoapAnswer | Callable[[], SoapAnswer]:
    package = unpacked(content_type, payload)
    incoming = parse_envelope(package.message, refuses_security=archive.settings.soap.refuse_security_header)
    if incoming.has_security:
        _logger.info("A message brought a WS-Security header, which is passed over.")
    carry_out = partial(_answer, incoming, package, base_url, archive)
    return partial(_or_fault, carry_out) if incoming.method is Method.RENDERED else carry_out()


def _answer(incoming: Incoming, package: Package, base_url: str, archive: Archive) -> SoapAnswer:
    resources = ExitStack()
    with resources:
        response = _carry_out(incoming, base_url, archive, resources)
        message = response_envelope(incoming, response.body)
        is_plain = not response.attachments and not package.is_mtom
        packed = packed_plain(message) if is_plain else packed_mtom(message, response.attachments)
        resources = resources.pop_all()
    return SoapAnswer(HTTPStatus.OK, packed.content_type, _closing(packed.chunks, resources))


def _closing(chunks: Iterator[bytes], resources: ExitStack) -> Iterator[bytes]:
    """Return the chunks of a body that lets its resources go at its end, begun so that closing it does that too."""

    def body() -> Iterator[bytes]:
        with resources:
            yield b""
            yield from chunks

    begun = body()
    next(begun)
    return begun


def _carry_out(incoming: Incoming, base_url: str, archive: Archive, resources: ExitStack) -> _Response:
    try:
        return _METHODS[incoming.method](incoming.roots, base_url, archive, resources)
    except SoapFault as fault:
        fault.relates_to = incoming.message_id
        raise


def _documents(roots: Sequence[etree._Element], _base_url: str, archive: Archive, _resources: ExitStack) -> _Response:
    requests = document_set_requests(roots, most=archive.settings.soap.max_documents)
    outcome = documents.retrieve_documents(requests, archive=archive)
    body = document_set_response(outcome.returned, outcome.errors)
    return _Response(body, [one.attachment for one in outcome.returned])


def _rendered(roots: Sequence[etree._Element], base_url: str, archive: Archive, resources: ExitStack) -> _Response:
    soap = archive.settings.soap
    requests = rendered_requests(roots, most=soap.max_documents)
    spool = resources.enter_context(archive.blobs.open_spool())
    found = rendered.retrieve_rendered_documents(requests, spool, service_url=base_url, archive=archive)
    namespace = _NAMESPACES[soap.registry_response_namespace]
    body = rendered_response(found.documents, found.errors, registry_namespace=namespace)
    return _Response(body, [one.returned.attachment for one in found.documents])


def _metadata(roots: Sequence[etree._Element], base_url: str, archive: Archive, _resources: ExitStack) -> _Response:
    requests = metadata_requests(roots, most=archive.settings.soap.max_documents)
    found = metadata.retrieve_metadata(requests, base_url=base_url, archive=archive)
    selected = [part for document in found.documents for part in document.selected if isinstance(part, Attachment)]
    return _Response(metadata_response(found.documents, found.errors), selected)


_METHODS: Final = {Method.DOCUMENTS: _documents, Method.RENDERED: _rendered, Method.METADATA: _metadata}
_NAMESPACES: Final = {"wado": WADO, "rs": RS}
