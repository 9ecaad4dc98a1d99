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
    for request in requests:
        for document in request.documents:
            found = _document(document, request.transfer_syntax_uids, len(returned) + 1, archive)
            if isinstance(found, DocumentError):
                errors.append(found)
            else:
                returned.append(found)
    return Outcome(returned, errors)


def _document(
    document: DocumentRequest, transfer_syntax_uids: tuple[str, ...], number: int, archive: Archive
) -> ReturnedDocument | DocumentError:
    unknown = archive.settings.soap.unknown_document_code
    if (missing := refusal(document, archive, unknown=unknown)) is not None:
        return missing
    read = _anonymized if document.is_anonymized else _object
    try:
        chunks = read(document, transfer_syntax_uids, archive)
    except (TargetNotFound, TargetGone):
        # It went away after it was found.
        return DocumentError(document, unknown, "There is no such instance any more.")
    except NotAcceptable:
        return DocumentError(document, ErrorCode.FORMAT_UNAVAILABLE.value, _NO_SYNTAX)
    except DocumentRefused as error:
        return DocumentError(document, error.code.value, str(error))
    except REFUSING as failure:
        told = refused(failure)
        return DocumentError(document, told.code.value, str(told))
    return ReturnedDocument(document, Attachment(new_content_id(number), _OBJECT, chunks))


def refusal(document: DocumentRequest, archive: Archive, *, unknown: str) -> DocumentError | None:
    """Return why a document cannot be had at all; None: it is there.

    Args:
        document: that is asked for.
        archive: where it should be.
        unknown: code for one that is not there.
    """
    soap = archive.settings.soap
    if soap.strict_repository and document.repository_unique_id != soap.repository_unique_id:
        return DocumentError(document, ErrorCode.UNKNOWN_REPOSITORY.value, "This is another repository.")
    target = document.target
    try:
        archive.index.find_instance(target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid)
    except TargetGone:
        return DocumentError(document, ErrorCode.GONE.value, "The instance was deleted.")
    except TargetNotFound:
        if archive.index.live_blob_id(target.sop_instance_uid) is not None:
            text = "The instance belongs to another series or study."
            return DocumentError(document, ErrorCode.INCONSISTENT.value, text)
        return DocumentError(document, unknown, "There is no such instance.")
    return None


def _object(document: DocumentRequest, transfer_syntax_uids: tuple[str, ...], archive: Archive) -> Chunks:
    """Return the object, as stored if that syntax is listed, else decoded if that may be, else losslessly encoded.

    Raises:
        TargetNotFound, TargetGone: it is not there.
        NotAcceptable: none of the syntaxes can be had.
    """
    instance = _instance(document, archive)
    if instance.transfer_syntax_uid in transfer_syntax_uids:
        # The very bytes: also of the syntaxes that no RESTful service gives out.
        return lambda: stored_bytes(instance, archive=archive)
    is_implicit = IMPLICIT_VR_LITTLE_ENDIAN in transfer_syntax_uids
    if is_implicit and EXPLICIT_VR_LITTLE_ENDIAN not in transfer_syntax_uids:
        try:
            explicit = _chunks(document.target, (EXPLICIT_VR_LITTLE_ENDIAN,), archive)
        except NotAcceptable:
            return _chunks(document.target, transfer_syntax_uids, archive)
        return lambda: implicit_bytes(explicit(), archive=archive)
    return _chunks(document.target, transfer_syntax_uids, archive)


def _instance(document: DocumentRequest, archive: Archive) -> StoredInstance:
    target = document.target
    return archive.index.find_instance(target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid)


def _anonymized(document: DocumentRequest, transfer_syntax_uids: tuple[str, ...], archive: Archive) -> Chunks:
    """Return the de-identified object in one of the syntaxes, decoded if that may be.

    Raises:
        TargetNotFound, TargetGone: it is not there.
        DocumentRefused: it cannot be de-identified, or not in any of the syntaxes.
    """
    instance = _instance(document, archive)
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
