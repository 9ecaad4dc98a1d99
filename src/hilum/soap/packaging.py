"""How messages travel: plain, or as MTOM packages whose documents lie in parts of their own (XOP)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from hilum.soap.faults import FaultKind, SoapFault
from hilum.wire.media_types import MediaType, parse_media_type
from hilum.wire.multipart import MultipartError, MultipartParser, PartBegin, PartData

_HEADER_BYTES: Final = 16 * 1024
_MOST_PARTS: Final = 100
_ROOT_TYPE: Final = 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'
PLAIN_TYPE: Final = "application/soap+xml; charset=utf-8"


class UnsupportedPackaging(Exception):
    """The payload is neither a plain SOAP message nor an MTOM package."""


@dataclass(frozen=True, slots=True)
class Package:
    """A request's message, and how it came."""

    message: bytes
    is_mtom: bool


def unpacked(content_type: str, payload: bytes) -> Package:
    """Return the message of a payload.

    Raises:
        UnsupportedPackaging: the media type is another one.
        SoapFault: it is an old SOAP message, or a package without a message.

    Source: SOAP Message Transmission Optimization Mechanism, 4; RFC 2387.
    """
    try:
        media_type = parse_media_type(content_type)
    except ValueError as error:
        raise UnsupportedPackaging from error
    match media_type.essence:
        case "application/soap+xml":
            return Package(payload, is_mtom=False)
        case "text/xml":
            raise SoapFault(FaultKind.VERSION_MISMATCH, "The message must be one of SOAP 1.2.")
        case "multipart/related":
            return Package(_root_part(media_type, payload), is_mtom=True)
        case _:
            raise UnsupportedPackaging


def _root_part(media_type: MediaType, payload: bytes) -> bytes:
    """Return the part that `start` names, else the first."""
    start = media_type.parameters.get("start", "")
    parts: list[tuple[str, list[bytes]]] = []
    try:
        parser = MultipartParser(
            media_type.parameters.get("boundary", "").encode("latin-1", "replace"),
            max_parts=_MOST_PARTS,
            max_header_bytes=_HEADER_BYTES,
        )
        for event in (*parser.feed(payload), *parser.close()):
            if isinstance(event, PartBegin):
                parts.append((event.headers.get("content-id", ""), []))
            elif isinstance(event, PartData):
                parts[-1][1].append(bytes(event.data))
    except MultipartError as error:
        raise SoapFault(FaultKind.SENDER, "The package cannot be taken apart.") from error
    if not parts:
        raise SoapFault(FaultKind.SENDER, "The package has no parts.")
    chosen = next((content for name, content in parts if start and _bare(name) == _bare(start)), parts[0][1])
    return b"".join(chosen)


def _bare(content_id: str) -> str:
    return content_id.strip().removeprefix("<").removesuffix(">")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document of a response, in a part of its own."""

    content_id: str
    """Without angle brackets."""
    media_type: str
    chunks: Callable[[], Iterator[bytes]]

    @property
    def reference(self) -> str:
        """What `xop:Include` refers to it by."""
        return f"cid:{quote(self.content_id, safe='@')}"


def new_content_id(number: int) -> str:
    """Return a Content-ID that no other part of the same package has."""
    return f"document{number}@hilum"


@dataclass(frozen=True, slots=True)
class Packed:
    """A response on its way: its Content-Type and its bytes."""

    content_type: str
    chunks: Iterator[bytes]


def packed_plain(message: bytes) -> Packed:
    """Return a message without documents."""
    return Packed(PLAIN_TYPE, iter((message,)))


def packed_mtom(message: bytes, attachments: Sequence[Attachment]) -> Packed:
    """Return a package; it begins with its first delimiter, since some user agents want nothing before it.

    The delimiter is long and random: some user agents look for it in the documents' bytes as well.
    """
    boundary = f"mtom_{secrets.token_hex(16)}"
    content_type = (
        f'multipart/related; type="application/xop+xml"; start="<root@hilum>"; '
        f'start-info="application/soap+xml"; boundary="{boundary}"'
    )
    return Packed(content_type, _package(boundary, message, attachments))


def _package(boundary: str, message: bytes, attachments: Sequence[Attachment]) -> Iterator[bytes]:
    # What stands between two documents goes out with the bytes of the next: one message a document.
    between = _head(boundary, _ROOT_TYPE, "root@hilum") + message
    for attachment in attachments:
        between += b"\r\n" + _head(boundary, attachment.media_type, attachment.content_id)
        for chunk in attachment.chunks():
            yield between + chunk if between else chunk
            between = b""
    yield between + f"\r\n--{boundary}--\r\n".encode("ascii")


def _head(boundary: str, content_type: str, content_id: str) -> bytes:
    lines = (
        f"--{boundary}",
        f"Content-Type: {content_type}",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: <{content_id}>",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
