"""From what a transaction chose to the bytes of a response.

The functions run in a worker thread, right after the transaction: the first chunk of a body is read before a
status is sent, so that what cannot be read is an error and not a torn answer. The rest is read while it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from hilum.dicom.xml import json_to_xml
from hilum.dicom.xml_streaming import xml_documents
from hilum.errors import RangeNotSatisfied
from hilum.services.studies.parts import Part, Retrieved
from hilum.services.studies.retrieve import Metadata
from hilum.store.rows.records import SearchPage
from hilum.web.transfer.coding import CODINGS
from hilum.web.transfer.kept_bodies import KeptBodies
from hilum.web.transfer.send import Answer
from hilum.wire.accept import preferred_coding
from hilum.wire.conditional import etag_of, range_applies, with_coding
from hilum.wire.multipart import closing_delimiter, new_boundary, part_header
from hilum.wire.ranges import ByteRange, RangeNotSatisfiable, parse_range
from hilum.wire.selection import Offer, Packaging

_EAGER_BYTES: Final = 4 * 1024 * 1024
_MESSAGE_BYTES: Final = 256 * 1024
_JSON: Final = "application/dicom+json"
_RUN_BY_BROWSERS: Final = ("text/", "application/xml")
_OWN_PAGES: Final = {
    "text/html": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; object-src 'self'; frame-src 'self'",
    "image/svg+xml": "default-src 'none'; style-src 'unsafe-inline'",
}
"""What is written here, never stored: it may have its style, and show what this origin server has. No scripts."""
XML: Final = "application/dicom+xml"
_CACHING: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding"}


def retrieved_etag(retrieved: Retrieved, service_url: str) -> str:
    """Return the ETag of a response of retrieved parts."""
    form = str(retrieved.parts[0].offer.packaging.value)
    return etag_of(service_url, form, *(f"{part.version};{part.offer.media_type}" for part in retrieved.parts))


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request says of the representation that its user agent holds or wants a range of."""

    if_none_match: str | None = None
    range: str | None = None
    """Range; None with any method but GET (RFC 9110 14.2)."""
    if_range: str | None = None


def represent_parts(retrieved: Retrieved, *, service_url: str, etag: str, conditions: Conditions) -> Answer:
    """Return the response for retrieved parts, single or multipart; of a single part the range that was asked for.

    Raises:
        RangeNotSatisfied: the range lies behind the end of the part.

    Source: PS3.18 8.6.1, 8.7.9, 10.4.3.
    """
    headers = {"ETag": etag, **_CACHING}
    first = retrieved.parts[0]
    if retrieved.packaging is Packaging.SINGLE:
        return _represent_single(first, headers, service_url, conditions)
    # A validator promises the same bytes: the boundary depends on nothing else.
    boundary = new_boundary(etag)
    outer = f'multipart/related; type="{first.offer.media_type}"; boundary={boundary}'
    if len({part.offer.transfer_syntax_uid for part in retrieved.parts}) == 1 and first.offer.transfer_syntax_uid:
        outer += f"; transfer-syntax={first.offer.transfer_syntax_uid}"
    headers["Content-Type"] = outer
    part_headers = [_part_header(part, boundary, service_url) for part in retrieved.parts]
    closing = closing_delimiter(boundary)
    length = _multipart_length(retrieved.parts, part_headers, closing)
    pieces = _multipart(retrieved.parts, part_headers, closing)
    status = HTTPStatus.PARTIAL_CONTENT if retrieved.left_out else HTTPStatus.OK
    if length is not None and length <= _EAGER_BYTES:
        return Answer(status, headers, b"".join(pieces), length)
    body, length = _collect(_messages(pieces), length)
    return Answer(status, headers, body, length)


def _represent_single(part: Part, headers: dict[str, str], service_url: str, conditions: Conditions) -> Answer:
    """Return the response for one part.

    Source: RFC 9110 14, PS3.18 8.4.3 (WADO-50).
    """
    headers["Content-Type"] = content_type(part)
    headers["Content-Location"] = service_url + part.path
    headers["X-Content-Type-Options"] = "nosniff"
    if part.file_name:
        headers["Content-Disposition"] = f'attachment; filename="{part.file_name}"'
    if part.offer.media_type in _OWN_PAGES:
        headers["Content-Security-Policy"] = _OWN_PAGES[part.offer.media_type]
    elif part.offer.media_type.startswith(_RUN_BY_BROWSERS):
        # A stored document must not act in the name of this origin server.
        headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    if part.length is None:
        body, length = _collect(part.chunks(), None)
        return Answer(HTTPStatus.OK, headers, body, length)
    headers["Accept-Ranges"] = "bytes"
    wanted = _wanted_range(part.length, headers["ETag"], conditions)
    if wanted is None:
        body, length = _collect(part.chunks(), part.length)
        return Answer(HTTPStatus.OK, headers, body, length)
    headers["Content-Range"] = wanted.content_range
    body, length = _collect(part.range(wanted.start, wanted.length), wanted.length)
    return Answer(HTTPStatus.PARTIAL_CONTENT, headers, body, length)


def _wanted_range(size: int, etag: str, conditions: Conditions) -> ByteRange | None:
    if conditions.range is None or not range_applies(conditions.if_range, etag):
        return None
    try:
        return parse_range(conditions.range, size)
    except RangeNotSatisfiable as error:
        raise RangeNotSatisfied(str(error), size=error.size) from error


def content_type(part: Part) -> str:
    """Return the Content-Type of a part; it always names the transfer syntax (TSX-10)."""
    offer = part.offer
    if offer.media_type.startswith("text/") and len(offer.charsets) == 1:
        return f"{offer.media_type}; charset={offer.charsets[0]}"
    return (
        f"{offer.media_type}; transfer-syntax={offer.transfer_syntax_uid}"
        if offer.transfer_syntax_uid
        else offer.media_type
    )


def _part_header(part: Part, boundary: str, service_url: str) -> bytes:
    return part_header(
        boundary,
        content_type=content_type(part),
        content_location=service_url + part.path,
        content_length=part.length,
    )


def _multipart_length(parts: Sequence[Part], part_headers: Sequence[bytes], closing: bytes) -> int | None:
    total = len(closing)
    for part, header in zip(parts, part_headers, strict=True):
        if part.length is None:
            return None
        total += len(header) + part.length + 2
    return total


def _multipart(parts: Sequence[Part], part_headers: Sequence[bytes], closing: bytes) -> Iterator[bytes]:
    """Yield the pieces of a multipart body: none is a copy of what was read."""
    for part, header in zip(parts, part_headers, strict=True):
        yield header
        yield from part.chunks()
        yield b"\r\n"
    yield closing


def _messages(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join pieces into messages that are worth one: a large piece goes out with the small ones before it."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _MESSAGE_BYTES:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    if waiting:
        yield b"".join(waiting)


def _collect(chunks: Iterator[bytes], length: int | None) -> tuple[bytes | Iterator[bytes], int | None]:
    """Read a small body as a whole; of a large one, just the first chunk."""
    taken = [next(chunks, b"")]
    size = len(taken[0])
    while length is None or size < length:
        if size > _EAGER_BYTES or (length is not None and length > _EAGER_BYTES):
            return _again(taken, chunks), length
        chunk = next(chunks, None)
        if chunk is None:
            break
        taken.append(chunk)
        size += len(chunk)
    return taken[0] if len(taken) == 1 else b"".join(taken), size


def _again(taken: list[bytes], chunks: Iterator[bytes]) -> Iterator[bytes]:
    taken.reverse()
    while taken:
        yield taken.pop()
    yield from chunks


def represent_metadata(metadata: Metadata, form: Offer, *, base_url: str, etag: str) -> Answer:
    """Return the response for metadata: one JSON array, or one XML document an instance.

    Args:
        metadata: what the transaction found.
        form: selected by the user agent.
        base_url: what bulk data URIs begin with: the service's base URL, or its path alone.
        etag: of this representation.
    """
    headers = {"ETag": etag, **_CACHING}
    if form.media_type == XML:
        return xml_answer(xml_documents(metadata.chunks(base_url)), form, headers)
    body, length = _collect(metadata.chunks(base_url), None)
    return Answer(HTTPStatus.OK, {**headers, "Content-Type": _JSON}, body, length)


def kept_metadata(etag: str, accepted: str, coded: KeptBodies) -> Answer | None:
    """Return the response for metadata whose compressed form is kept, None if it is not.

    Args:
        etag: of the bare representation.
        accepted: the request's Accept-Encoding, '' if it has none.
        coded: what is kept.
    """
    coding = preferred_coding(accepted, CODINGS)
    body = None if coding is None else coded.find(with_coding(etag, coding))
    if coding is None or body is None:
        return None
    headers = {"ETag": with_coding(etag, coding), **_CACHING, "Content-Type": _JSON, "Content-Encoding": coding}
    return Answer(HTTPStatus.OK, headers, body)


def xml_answer(
    documents: Iterator[Iterator[bytes]], form: Offer, headers: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK
) -> Answer:
    """Return the response for documents of the Native DICOM Model: one part each, or the only one alone (XML-02).

    Args:
        documents: in chunks; each is read to its end before the next.
        form: single or multipart.
        headers: further ones; with an ETag, the boundary depends on it alone.
        status: of the response.
    """
    if form.packaging is Packaging.SINGLE:
        body, length = _collect(next(documents), None)
        return Answer(status, {**headers, "Content-Type": XML}, body, length)
    boundary = new_boundary(headers.get("ETag", ""))
    body, length = _collect(_xml_parts(documents, boundary), None)
    content_type = f'multipart/related; type="{XML}"; boundary={boundary}'
    return Answer(status, {**headers, "Content-Type": content_type}, body, length)


def _xml_parts(documents: Iterator[Iterator[bytes]], boundary: str) -> Iterator[bytes]:
    header = part_header(boundary, content_type=XML)
    for document in documents:
        yield header + next(document)
        yield from document
        yield b"\r\n"
    yield closing_delimiter(boundary)


def represent_search(page: SearchPage, form: Offer, *, service_url: str, empty: HTTPStatus) -> Answer:
    """Return the response for a page of matches.

    Source: PS3.18 8.3.4.4.1 (SRCH-42 to SRCH-44), 10.6.3.
    """
    headers = dict(_CACHING)
    warnings = list(page.warnings)
    if page.remaining:
        warnings.append(f"There are {page.remaining} additional results that can be requested")
    if page.total is not None:
        headers["X-Total-Count"] = str(page.total)
    if warnings:
        headers["Warning"] = ", ".join(f"299 {service_url}: {text}" for text in warnings)
    if not page.items and empty is HTTPStatus.NO_CONTENT:
        return Answer(HTTPStatus.NO_CONTENT, headers, b"")
    if form.media_type == XML and page.items:
        results = (f"{before}{service_url}{after}".encode() for before, after in page.items)
        return xml_answer((iter((json_to_xml(result),)) for result in results), form, headers)
    text = "[" + ",".join([f"{before}{service_url}{after}" for before, after in page.items]) + "]"
    headers["Content-Type"] = _JSON
    return Answer(HTTPStatus.OK, headers, text.encode())
