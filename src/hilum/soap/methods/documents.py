"""RetrieveImagingDocumentSet: objects, each in a transfer syntax that the user agent lists (IHE RAD-69)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.objects import stored_bytes
from hilum.archive.rewriting.deidentified import deidentified_object
from hilum.archive.transcoding.objects import implicit_bytes
from hilum.dicom.resources import TargetResource
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from hilum.errors import NotAcceptable, TargetGone, TargetNotFound
from hilum.services.studies import retrieve
from hilum.soap.lookup import Lookup
from hilum.soap.names import ErrorCode
from hilum.soap.packaging import Attachment, new_content_id
from hilum.soap.refusals import REFUSING, DocumentRefused, refused
from hilum.soap.requests import DocumentRequest, DocumentSetRequest
from hilum.soap.responses import DocumentError, ReturnedDocument
from hilum.store.rows.records import StoredInstance
from hilum.wire.selection import Acceptable

Chunks = Callable[[], Iterator[bytes]]
"""Reads a document, in chunks of at most 1 MB."""

_OBJECT: Final = "application/dicom"
_NO_SYNTAX: Final = "The instance cannot be given in any of the transfer syntaxes."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one message came to: each document that was asked for is in one of the two lists."""

    returned: Sequence[ReturnedDocument]
    errors: Sequence[DocumentError]


def retrieve_documents(requests: Sequence[DocumentSetRequest], *, archive: Archive) -> Outcome:
    """Find every document of a message, in order, and choose its form; the bytes are read while they are sent.

    Source: IHE RAD-69 expected actions (RAD TF-3 4.69.4.2).
    """
    returned: list[ReturnedDocument] = []
    errors: list[DocumentError] = []
    unknown = archive.settings.soap.unknown_document_code
    documents = [document for request in requests for document in request.documents]
    lookup = Lookup(documents, unknown=unknown, archive=archive)
    for request in requests:
        for document in request.documents:
            instance = lookup.find(document)
            if isinstance(instance, DocumentError):
                errors.append(instance)
                continue
            found = _document(document, instance, request.transfer_syntax_uids, len(returned) + 1, archive)
            if isinstance(found, DocumentError):
                errors.append(found)
            else:
                returned.append(found)
    return Outcome(returned, errors)


def _document(
    document: DocumentRequest,
    instance: StoredInstance,
    transfer_syntax_uids: tuple[str, ...],
    number: int,
    archive: Archive,
) -> ReturnedDocument | DocumentError:
    read = _anonymized if document.is_anonymized else _object
    try:
        chunks = read(instance, transfer_syntax_uids, archive)
    except (TargetNotFound, TargetGone):
        # It went away after it was found.
        unknown = archive.settings.soap.unknown_document_code
        return DocumentError(document, unknown, "There is no such instance any more.")
    except NotAcceptable:
        return DocumentError(document, ErrorCode.FORMAT_UNAVAILABLE.value, _NO_SYNTAX)
    except DocumentRefused as error:
        return DocumentError(document, error.code.value, str(error))
    except REFUSING as failure:
        told = refused(failure)
        return DocumentError(document, told.code.value, str(told))
    return ReturnedDocument(document, Attachment(new_content_id(number), _OBJECT, chunks))


def _object(instance: StoredInstance, transfer_syntax_uids: tuple[str, ...], archive: Archive) -> Chunks:
    """Return the object, as stored if that syntax is listed, else decoded if that may be, else losslessly encoded.

    Raises:
        TargetNotFound, TargetGone: it is not there.
        NotAcceptable: none of the syntaxes can be had.
    """
    if instance.transfer_syntax_uid in transfer_syntax_uids:
        # The very bytes: also of the syntaxes that no RESTful service gives out.
        return lambda: stored_bytes(instance, archive=archive)
    target = TargetResource(instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid)
    is_implicit = IMPLICIT_VR_LITTLE_ENDIAN in transfer_syntax_uids
    if is_implicit and EXPLICIT_VR_LITTLE_ENDIAN not in transfer_syntax_uids:
        try:
            explicit = _chunks(target, (EXPLICIT_VR_LITTLE_ENDIAN,), archive)
        except NotAcceptable:
            return _chunks(target, transfer_syntax_uids, archive)
        return lambda: implicit_bytes(explicit(), archive=archive)
    return _chunks(target, transfer_syntax_uids, archive)


def _anonymized(instance: StoredInstance, transfer_syntax_uids: tuple[str, ...], archive: Archive) -> Chunks:
    """Return the de-identified object in one of the syntaxes, decoded if that may be.

    Raises:
        DocumentRefused: it cannot be de-identified, or not in any of the syntaxes.
    """
    try:
        default = deidentified_object(instance, None, archive=archive)
    except NotAcceptable as error:
        raise DocumentRefused(ErrorCode.NOT_ANONYMISED, str(error)) from error
    if default.transfer_syntax_uid in transfer_syntax_uids:
        return default.chunks
    if default.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN and IMPLICIT_VR_LITTLE_ENDIAN in transfer_syntax_uids:
        return lambda: implicit_bytes(default.chunks(), archive=archive)
    for uid in transfer_syntax_uids:
        with suppress(NotAcceptable):
            return deidentified_object(instance, uid, archive=archive).chunks
    raise DocumentRefused(ErrorCode.FORMAT_UNAVAILABLE, _NO_SYNTAX)


def _chunks(target: TargetResource, transfer_syntax_uids: tuple[str, ...], archive: Archive) -> Chunks:
    """Return how to read an object in one of some syntaxes, decoded if that is one of them.

    Raises:
        NotAcceptable: it has none of these forms.
    """
    ranges = [
        f"{_OBJECT};transfer-syntax={uid}" + ("" if uid == EXPLICIT_VR_LITTLE_ENDIAN else ";q=0.5")
        for uid in transfer_syntax_uids
    ]
    (part,) = retrieve.retrieve_instances(target, Acceptable(",".join(ranges)), archive=archive).parts
    return part.chunks
