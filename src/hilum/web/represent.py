"""From what a transaction chose to the bytes of a response.

The functions run in a worker thread, right after the transaction: the first chunk of a body is read before a
status is sent, so that what cannot be read is an error and not a torn answer. The rest is read while it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final

from hilum.services.studies.retrieve import Metadata, Part, Retrieved
from hilum.store.rows.records import SearchPage
from hilum.web.transfer.send import Answer
from hilum.wire.conditional import etag_of
from hilum.wire.multipart import closing_delimiter, new_boundary, part_header
from hilum.wire.selection import Packaging

_EAGER_BYTES: Final = 4 * 1024 * 1024
_JSON: Final = "application/dicom+json"
_CACHING: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding"}


def retrieved_etag(retrieved: Retrieved, service_url: str) -> str:
    """Return the ETag of a response of retrieved parts."""
    form = str(retrieved.parts[0].offer.packaging.value)
    return etag_of(service_url, form, *(f"{part.version};{part.offer.media_type}" for part in retrieved.parts))


def represent_parts(retrieved: Retrieved, *, service_url: str, etag: str) -> Answer:
    """Return the response for retrieved parts, single or multipart.

    Source: PS3.18 8.6.1, 8.7.9, 10.4.3.
    """
    headers = {"ETag": etag, **_CACHING}
    first = retrieved.parts[0]
    if retrieved.packaging is Packaging.SINGLE:
        headers["Content-Type"] = content_type(first)
        headers["Content-Location"] = service_url + first.path
        body, length = _collect(first.chunks(), first.length)
        return Answer(HTTPStatus.OK, headers, body, length)
    # A validator promises the same bytes: the boundary depends on nothing else.
    boundary = new_boundary(etag)
    outer = f'multipart/related; type="{first.offer.media_type}"; boundary={boundary}'
    if len({part.offer.transfer_syntax_uid for part in retrieved.parts}) == 1 and first.offer.transfer_syntax_uid:
        outer += f"; transfer-syntax={first.offer.transfer_syntax_uid}"
    headers["Content-Type"] = outer
    part_headers = [_part_header(part, boundary, service_url) for part in retrieved.parts]
    closing = closing_delimiter(boundary)
    length = _multipart_length(retrieved.parts, part_headers, closing)
    body, length = _collect(_multipart(retrieved.parts, part_headers, closing), length)
    status = HTTPStatus.PARTIAL_CONTENT if retrieved.left_out else HTTPStatus.OK
    return Answer(status, headers, body, length)


def content_type(part: Part) -> str:
    """Return the Content-Type of a part; it always names the transfer syntax (TSX-10)."""
    offer = part.offer
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
    """Yield a multipart body; a part that comes in one chunk goes out in one, with its header."""
    for part, header in zip(parts, part_headers, strict=True):
        written = 0
        for chunk in part.chunks():
            written += len(chunk)
            if written == part.length:
                yield b"%b%b\r\n" % (header, chunk)
            else:
                yield header + chunk if header else chunk
            header = b""  # noqa: PLW2901 - the header goes before the first chunk alone
        if written != part.length:
            yield header + b"\r\n"
    yield closing


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


def represent_metadata(metadata: Metadata, *, base_url: str, etag: str) -> Answer:
    """Return the response for metadata: one JSON array.

    Args:
        metadata: what the transaction found.
        base_url: what bulk data URIs begin with: the service's base URL, or its path alone.
        etag: of this representation.
    """
    body, length = _collect(metadata.chunks(base_url), None)
    return Answer(HTTPStatus.OK, {"ETag": etag, **_CACHING, "Content-Type": _JSON}, body, length)


def represent_search(page: SearchPage, *, service_url: str, empty: HTTPStatus) -> Answer:
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
    text = "[" + ",".join([f"{before}{service_url}{after}" for before, after in page.items]) + "]"
    headers["Content-Type"] = _JSON
    return Answer(HTTPStatus.OK, headers, text.encode())
