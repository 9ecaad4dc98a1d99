"""RetrieveRenderedImagingDocumentSet: images, video and documents that people can look at (PS3.18 2016e 6.4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

from hilum.archive.archive import Archive
from hilum.archive.rendering.rendered import RenderedPart, retrieve_rendered
from hilum.archive.rendering.sources import source_of
from hilum.dicom.resources import TargetResource
from hilum.dicom.transfer_syntaxes import JPEG_BASELINE
from hilum.errors import InvalidRequest, NotAcceptable, TargetGone, TargetNotFound
from hilum.render.parameters import Annotation
from hilum.render.picture import shown_by
from hilum.render.representations import RENDERED_TYPES, Category, category_of, types_for
from hilum.render.source import Source
from hilum.services.uri.parameters import USUAL_SPELLINGS, UriRequest
from hilum.services.uri.retrieve_rendered import DicomSelected, retrieve_rendered_instance
from hilum.soap.lookup import Lookup
from hilum.soap.methods.parameters import Asked, asked_of
from hilum.soap.names import ErrorCode, Severity
from hilum.soap.packaging import Attachment, new_content_id
from hilum.soap.refusals import REFUSING, DocumentRefused, refused
from hilum.soap.requests import DocumentRequest, RenderedRequest
from hilum.soap.responses import DocumentError, RenderedDocument, ReturnedDocument
from hilum.store.blobs.space import full_is_out_of_resources
from hilum.wire.media_types import parse_media_type
from hilum.wire.selection import Acceptable

_CHUNK_BYTES: Final = 1024 * 1024
_QUALITIES: Final[Mapping[str, int]] = {
    "image/jpeg": 90,
    "image/jp2": 90,
    "image/jph": 90,
    "image/jxl": 90,
    "image/webp": 90,
    "video/mp4": 75,
    "video/mpeg": 75,
}
"""Lossy media types, and the quality that they have where none is asked for."""


@dataclass(frozen=True, slots=True)
class RenderedOutcome:
    """What one message came to; each document that was asked for is in one of the two lists, warnings beside."""

    documents: Sequence[RenderedDocument]
    errors: Sequence[DocumentError]


def retrieve_rendered_documents(
    requests: Sequence[RenderedRequest], spool: BinaryIO, *, service_url: str, archive: Archive
) -> RenderedOutcome:
    """Render every document of a message: only then is it known which of them are there.

    Args:
        requests: in order.
        spool: takes the documents, one behind the other; memory holds one of them.
        service_url: base URL of the RESTful services, for links in documents.
        archive: where the instances are.

    Source: PS3.18 2016e 6.4.2.2.
    """
    documents: list[RenderedDocument] = []
    errors: list[DocumentError] = []
    wanted = [request.document for request in requests]
    lookup = Lookup(wanted, unknown=ErrorCode.DOCUMENT_UNKNOWN.value, archive=archive)
    for request in requests:
        instance = lookup.find(request.document)
        if isinstance(instance, DocumentError):
            errors.append(instance)
            continue
        try:
            document, unsupported = _rendered(request, spool, len(documents), service_url, archive)
        except DocumentRefused as refusing:
            errors.append(DocumentError(request.document, refusing.code.value, str(refusing)))
            continue
        documents.append(document)
        errors += _warnings(request.document, unsupported)
    return RenderedOutcome(documents, errors)


def _rendered(
    request: RenderedRequest, spool: BinaryIO, count: int, service_url: str, archive: Archive
) -> tuple[RenderedDocument, Sequence[str]]:
    """Return the document, and annotations that were passed over."""
    limits, start = archive.settings.soap, spool.tell()
    if count >= limits.max_rendered:
        raise DocumentRefused(ErrorCode.TOO_MUCH, f"One response has at most {limits.max_rendered} rendered documents.")
    try:
        asked = asked_of(request.parameters, request.charsets, request.document.target.study_instance_uid, service_url)
        part = _part(request, asked, archive)
        parameters = _used(request.parameters, part)
        content = _content(request, part)
        if start + len(content) > limits.max_rendered_bytes:
            raise DocumentRefused(ErrorCode.TOO_MUCH, "The rendered documents are too many bytes for one response.")
        with full_is_out_of_resources():
            spool.write(content)
            spool.flush()
    except REFUSING as error:
        raise refused(error) from error
    attachment = Attachment(
        new_content_id(count + 1), part.offer.media_type, partial(_chunks, spool, start, len(content))
    )
    rendered = RenderedDocument(ReturnedDocument(request.document, attachment), parameters)
    return rendered, asked.parameters.unsupported_annotations


def _content(request: RenderedRequest, part: RenderedPart) -> bytes:
    try:
        return part.render()
    except NotAcceptable as error:
        if request.document.is_anonymized:
            raise DocumentRefused(ErrorCode.NOT_ANONYMISED, str(error)) from error
        raise


def _chunks(spool: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    for offset in range(start, start + length, _CHUNK_BYTES):
        spool.seek(offset)
        yield spool.read(min(_CHUNK_BYTES, start + length - offset))


def _part(request: RenderedRequest, asked: Asked, archive: Archive) -> RenderedPart:
    target = request.document.target
    instance = archive.index.find_instance(
        target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    )
    media_types = _media_types(request.content_types)
    source = source_of(instance, archive=archive)
    _check_frames(source, asked, media_types)
    _check_state(asked.parameters.presentation_state, archive)
    frames = None if asked.frame_number is None else (asked.frame_number,)
    # The order alone says what is preferred: every range has the same weight.
    acceptable = Acceptable(", ".join(media_types))
    part = retrieve_rendered(target, frames, asked.parameters, acceptable, archive=archive).parts[0]
    return _anonymized(target, asked, part, source, archive) if request.document.is_anonymized else part


def _anonymized(
    target: TargetResource, asked: Asked, part: RenderedPart, source: Source, archive: Archive
) -> RenderedPart:
    """Return the rendering of the de-identified instance in the form that was chosen; as the URI Service gives it."""
    if Annotation.PATIENT in asked.parameters.annotation:
        raise InvalidRequest("The patient is not named in what is anonymised.")
    acceptable = Acceptable(part.offer.media_type)
    frame_number = asked.frame_number if source.frame_count > 1 else None
    wanted = UriRequest(target, acceptable, (), asked.parameters, frame_number, is_anonymized=True)
    try:
        found = retrieve_rendered_instance(wanted, asked.parameters.service_url, archive=archive)
    except NotAcceptable as error:
        raise DocumentRefused(ErrorCode.NOT_ANONYMISED, str(error)) from error
    if isinstance(found, DicomSelected):
        raise DocumentRefused(ErrorCode.NOT_ANONYMISED, "The instance has no rendered form that can be anonymised.")
    return found


def _media_types(texts: Sequence[str]) -> list[str]:
    """Return the media types of a request that are rendered at all, in order.

    Raises:
        DocumentRefused: none is.
    """
    known = {row.media_type.lower() for row in RENDERED_TYPES}
    wanted = []
    for text in texts:
        try:
            essence = parse_media_type(text).essence.lower()
        except ValueError:
            continue
        wanted.append(USUAL_SPELLINGS.get(essence, essence))
    supported = [name for name in wanted if name in known]
    if not supported:
        raise DocumentRefused(ErrorCode.FORMAT_UNSUPPORTED, "None of the content types is rendered here.")
    return supported


def _check_frames(source: Source, asked: Asked, media_types: Sequence[str]) -> None:
    """Refuse a frame that is not there, and a whole multi-frame image where only pictures of one frame are taken."""
    if asked.frame_number is not None:
        if asked.frame_number > source.frame_count:
            raise DocumentRefused(ErrorCode.FRAME_OUT_OF_RANGE, f"The instance has {source.frame_count} frames.")
        return
    category = category_of(source, source.frame_count)
    if category is not Category.MULTI_FRAME:
        return
    single = {row.media_type.lower() for row in RENDERED_TYPES if row.category is Category.SINGLE_FRAME}
    several = {name.lower() for name in types_for(source, category)}
    if single.intersection(media_types) and not several.intersection(media_types):
        text = f"The image has {source.frame_count} frames: name one of them."
        raise DocumentRefused(ErrorCode.NO_FRAME_CHOSEN, text)


def _check_state(state: TargetResource | None, archive: Archive) -> None:
    """Refuse a presentation state that is not there, and say which of its UIDs is unknown."""
    if state is None:
        return
    study, series = state.study_instance_uid, state.series_instance_uid
    try:
        archive.index.find_instance(study, series, state.sop_instance_uid)
    except (TargetNotFound, TargetGone) as missing:
        try:
            archive.index.list_instances(study, series)
        except (TargetNotFound, TargetGone) as error:
            text = "There is no such series of presentation states in the study."
            raise DocumentRefused(ErrorCode.PRESENTATION_SERIES_UNKNOWN, text) from error
        raise DocumentRefused(
            ErrorCode.PRESENTATION_UNKNOWN, "There is no such presentation state in the series."
        ) from missing


def _used(texts: Mapping[str, str], part: RenderedPart) -> dict[str, str]:
    """Return the values that a rendering uses, by the name of their element.

    Size and quality are always told, the window of what is grey, everything else as it was asked for.
    """
    used, annotation = dict(texts), part.rendering.parameters.annotation
    if "Annotation" in used:
        used["Annotation"] = ",".join(one.value for one in Annotation if one in annotation)
    if part.rendering.source.pixels is not None:
        shown = shown_by(part.rendering)
        used |= {"Rows": str(shown.rows), "Columns": str(shown.columns)}
        if shown.window is not None:
            used |= {"WindowCenter": f"{shown.window.center:.10g}", "WindowWidth": f"{shown.window.width:.10g}"}
    used.pop("ImageQuality", None)
    quality = _quality(part)
    return used if quality is None else used | {"ImageQuality": str(quality)}


def _quality(part: RenderedPart) -> int | None:
    asked = part.rendering.parameters
    default = _QUALITIES.get(part.offer.media_type)
    # What is stored in the media type already may be sent untouched: nobody knows its quality.
    is_stored = part.rendering.source.transfer_syntax_uid == JPEG_BASELINE and part.offer.media_type == "image/jpeg"
    return default if asked.quality is None and not is_stored else asked.quality if default else None


def _warnings(document: DocumentRequest, unsupported: Sequence[str]) -> list[DocumentError]:
    """Return the row that names annotations that were passed over (REND-12)."""
    if not unsupported:
        return []
    text = f"These annotations are not supported: {', '.join(unsupported)}."
    return [DocumentError(document, ErrorCode.UNSUPPORTED_PARAMETER.value, text, Severity.WARNING)]
