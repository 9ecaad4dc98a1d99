"""RetrieveImagingDocumentSetMetadata: metadata as XML, whole or what XPath filters select (PS3.18 2016e 6.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.metadata import instance_metadata
from hilum.archive.objects import frames_of
from hilum.archive.rewriting.deidentified import deidentified_attributes
from hilum.dicom.xml import json_to_xml
from hilum.dicom.xml_streaming import xml_documents
from hilum.errors import NotAcceptable, PayloadTooLarge, TargetGone, TargetNotFound
from hilum.soap.lookup import Lookup
from hilum.soap.names import ErrorCode
from hilum.soap.packaging import Attachment, new_content_id
from hilum.soap.requests import MetadataRequest
from hilum.soap.responses import DocumentError, MetadataDocument
from hilum.soap.xpath import FilterInvalid, Filters, FilterTooCostly
from hilum.store.rows.records import StoredInstance

_XML: Final = "application/xml"
_WHOLE: Final = "/NativeDicomModel"
_LONGEST_FILTERED: Final = 32 * 1024 * 1024
"""Bytes of a document that filters are evaluated on: it is parsed as a whole, which takes many times as much."""

Chunks = Callable[[], Iterator[bytes]]
_ERRORS: Final[Mapping[type[Exception], tuple[ErrorCode, str]]] = {
    TargetNotFound: (ErrorCode.DOCUMENT_UNKNOWN, "There is no such instance any more."),
    TargetGone: (ErrorCode.DOCUMENT_UNKNOWN, "There is no such instance any more."),
    NotAcceptable: (ErrorCode.NOT_ANONYMISED, "The instance cannot be anonymised."),
    PayloadTooLarge: (ErrorCode.TOO_MUCH, "The header of the instance is too large."),
    FilterInvalid: (ErrorCode.INVALID_VALUE, "An XPath expression cannot be evaluated."),
    FilterTooCostly: (ErrorCode.TOO_MUCH, "The XPath expressions take too long, or select too much."),
}


@dataclass(frozen=True, slots=True)
class MetadataOutcome:
    """What one message came to; each document that was asked for is in one of the two lists."""

    documents: Sequence[MetadataDocument]
    errors: Sequence[DocumentError]


def retrieve_metadata(requests: Sequence[MetadataRequest], *, base_url: str, archive: Archive) -> MetadataOutcome:
    """Return the metadata of every document of a message.

    Args:
        requests: in order.
        base_url: what bulk data URIs begin with.
        archive: where the instances are.

    Source: PS3.18 2016e 6.4.3.2.
    """
    documents: list[MetadataDocument] = []
    errors: list[DocumentError] = []
    attachments = 0
    wanted = [request.document for request in requests]
    lookup = Lookup(wanted, unknown=ErrorCode.DOCUMENT_UNKNOWN.value, archive=archive)
    soap = archive.settings.soap
    with Filters(timeout_s=soap.filter_timeout_s, message_timeout_s=soap.message_timeout_s) as filters:
        for request in requests:
            instance = lookup.find(request.document)
            if isinstance(instance, DocumentError):
                errors.append(instance)
                continue
            found = _metadata(request, instance, attachments, _Evaluation(base_url, filters, archive))
            if isinstance(found, DocumentError):
                errors.append(found)
            else:
                documents.append(found)
                attachments += len(found.selected)
    return MetadataOutcome(documents, errors)


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """What the documents of a message have in common."""

    base_url: str
    filters: Filters
    archive: Archive


def _metadata(
    request: MetadataRequest, instance: StoredInstance, attachments: int, evaluation: _Evaluation
) -> MetadataDocument | DocumentError:
    document, archive = request.document, evaluation.archive
    try:
        if (frame_error := _frame_error(request, instance, archive)) is not None:
            return frame_error
        selected = _selected(request, instance, evaluation)
    except tuple(_ERRORS) as error:
        code, text = _ERRORS[type(error)]
        return DocumentError(document, code.value, text)
    parts = [
        _part(chunks, number, archive) if chunks is not None else None
        for number, chunks in enumerate(selected, attachments + 1)
    ]
    return MetadataDocument(document, request.frame_number, parts)


def _part(chunks: Chunks, number: int, archive: Archive) -> Attachment | bytes:
    if archive.settings.soap.inline_xpath:
        return b"".join(chunks())
    return Attachment(new_content_id(number), _XML, chunks)


def _frame_error(request: MetadataRequest, instance: StoredInstance, archive: Archive) -> DocumentError | None:
    """Return what is wrong with the frame that a request names."""
    if not request.frame_number:
        return None
    text = request.frame_number
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        return DocumentError(request.document, ErrorCode.INVALID_VALUE.value, "FrameNumber must be a number from 1.")
    frames = frames_of(instance, archive=archive)
    if int(text) > (frames.count if frames else 0):
        return DocumentError(request.document, ErrorCode.FRAME_OUT_OF_RANGE.value, "There is no such frame.")
    return None


def _selected(request: MetadataRequest, instance: StoredInstance, evaluation: _Evaluation) -> list[Chunks | None]:
    document = _document_of(request, instance, evaluation)
    if not request.filters or request.filters == (_WHOLE,):
        # Made while it is sent: the metadata of all documents of a message may be more than memory holds.
        return [document]
    text = bytearray()
    for chunk in document():
        text += chunk
        if len(text) > _LONGEST_FILTERED:
            raise FilterTooCostly
    selected = evaluation.filters.select(bytes(text), request.filters)
    return [None if xml is None else partial(_once, xml) for xml in selected]


def _document_of(request: MetadataRequest, instance: StoredInstance, evaluation: _Evaluation) -> Chunks:
    """Return the metadata as a document of the Native DICOM Model."""
    if request.document.is_anonymized:
        return partial(_once, json_to_xml(deidentified_attributes(instance, archive=evaluation.archive)))
    return partial(_stored_document, instance, evaluation.base_url, evaluation.archive)


def _stored_document(instance: StoredInstance, base_url: str, archive: Archive) -> Iterator[bytes]:
    return next(xml_documents(chain((b"[",), instance_metadata(instance, base_url, archive=archive), (b"]",))))


def _once(xml: bytes) -> Iterator[bytes]:
    yield xml
