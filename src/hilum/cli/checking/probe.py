"""Asking a server, and keeping what was asked and answered."""

from __future__ import annotations

import email.parser
import email.policy
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from hilum.cli.checking.records import CheckFailed, Exchange

JSON: Final = "application/dicom+json"
OBJECTS: Final = 'multipart/related; type="application/dicom"'
OCTETS: Final = 'multipart/related; type="application/octet-stream"'
XML: Final = 'multipart/related; type="application/dicom+xml"'

_MOST_BYTES: Final = 256 * 1024 * 1024
_TOLD: Final = 4096


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def media_type(self) -> str:
        """Media type without parameters."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def json(self) -> Any:  # noqa: ANN401 - whatever the server sends
        """Return the payload as JSON.

        Raises:
            CheckFailed: it is none.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise CheckFailed("The payload is no JSON text.") from error

    def data_sets(self) -> list[dict[str, Any]]:
        """Return the data sets of an array.

        Raises:
            CheckFailed: the payload is no array of objects.
        """
        found = self.json()
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise CheckFailed("The payload is no array of objects (JSON-02).")
        return found

    def parts(self) -> list[tuple[Mapping[str, str], bytes]]:
        """Return headers (names in lower case) and bytes of each part.

        Raises:
            CheckFailed: the payload is no multipart message as RFC 2046 has it.
        """
        content_type = self.headers.get("content-type", "")
        message = email.parser.HeaderParser(policy=email.policy.HTTP).parsestr(f"Content-Type: {content_type}\n\n")
        boundary = message.get_boundary()
        if message.get_content_maintype() != "multipart" or not boundary:
            raise CheckFailed(f"The Content-Type is {content_type or 'absent'}, not multipart with a boundary.")
        pieces = (b"\r\n" + self.body).split(b"\r\n--" + boundary.encode())
        if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
            raise CheckFailed("The payload does not begin and end with the boundary.")
        return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> tuple[Mapping[str, str], bytes]:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}, content


class Probe:
    """A connection to the server under check, and the exchanges of the check that runs."""

    def __init__(self, client: httpx.Client) -> None:
        """Ask by `client`, whose base URL is that of the services."""
        self._client: Final = client
        self._exchanges: list[Exchange] = []

    def taken_exchanges(self) -> list[Exchange]:
        """Return the exchanges since the last call."""
        taken, self._exchanges = self._exchanges, []
        return taken

    def url(self, path: str) -> str:
        """Return the URL of a resource."""
        return str(self._client.base_url).rstrip("/") + path

    def ask(
        self,
        path: str,
        accept: str | None = JSON,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Seen:
        """Send a request and return what was answered.

        Args:
            path: below the base URL with the query component, or an absolute URL of that server.
            accept: Accept header; None: none is sent.
            method: of the request.
            headers: further ones.
            body: payload.

        Raises:
            CheckFailed: there was no answer, or one of more than 256 MB.
        """
        url = path if path.startswith(("http://", "https://")) else self.url(path)
        sent = {**({"Accept": accept} if accept is not None else {}), **(headers or {})}
        shown = _as_curl(method, url, sent, accept)
        request = self._client.build_request(method, url, headers=sent, content=body)
        if accept is None:
            del request.headers["Accept"]
        try:
            response = self._client.send(request, stream=True)
            try:
                seen = Seen(response.status_code, response.headers, _body_of(response))
            finally:
                response.close()
        except httpx.HTTPError as error:
            self._exchanges.append(Exchange(shown, type(error).__name__))
            raise CheckFailed(f"There was no answer: {type(error).__name__}.") from error
        told = f"{seen.status} {seen.headers.get('content-type', '(no Content-Type)')}, {len(seen.body)} bytes"
        self._exchanges.append(Exchange(shown, told[:_TOLD]))
        return seen

    def expect(  # noqa: PLR0913 - the parts of a request, and of its answer
        self,
        statuses: Collection[int],
        path: str,
        accept: str | None = JSON,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Seen:
        """Send a request whose answer has one of these statuses; the other arguments are those of `ask`.

        Raises:
            CheckFailed: it has another, or there was none.
        """
        seen = self.ask(path, accept, method=method, headers=headers, body=body)
        if seen.status not in statuses:
            wanted = " or ".join(map(str, sorted(statuses)))
            raise CheckFailed(f"{method} {path[:200]} was answered {seen.status}, not {wanted}.")
        return seen


def _body_of(response: httpx.Response) -> bytes:
    taken = bytearray()
    for chunk in _chunks(response):
        taken += chunk
        if len(taken) > _MOST_BYTES:
            raise CheckFailed("The payload is longer than 256 MB, which this check does not read.")
    return bytes(taken)


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    return response.iter_bytes(1024 * 1024)


def _as_curl(method: str, url: str, headers: Mapping[str, str], accept: str | None) -> str:
    shown = {"GET": [], "HEAD": ["-I"]}.get(method, ["-X", method])
    for name, value in headers.items():
        if name.lower() != "authorization":
            shown += ["-H", f"{name}: {value}"]
    if accept is None:
        shown += ["-H", "Accept:"]
    return shlex.join([*shown, url])
