"""The origin server at the other end: how it is reached, and what its answers say."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import orjson
import typer

from hilum.cli.invocation.failures import CommandFailed

_TOKEN_VARIABLE: Final = "HILUM_TOKEN"  # noqa: S105 - the name of a variable
_ATTEMPTS: Final = 4
_FIRST_PAUSE_S: Final = 1.0
_WORTH_REPEATING: Final = frozenset({429, 502, 503, 504})
_LONGEST_TEXT: Final = 300
_LARGEST_JSON: Final = 256 * 1024 * 1024

ServerArgument = Annotated[str, typer.Argument(metavar="URL", help="Base URL of the server's RESTful services.")]
TokenFileOption = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="Bearer token on its first line (also: HILUM_TOKEN)."),
]
CaFileOption = Annotated[
    Path | None, typer.Option("--ca-file", metavar="FILE", help="Certificates to trust in place of the system's.")
]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=1.0, help="Seconds that the server may stay silent.")]


class PeerFailed(Exception):
    """The server did not do what was asked; the message says what it said."""

    def __init__(self, reason: str, *, status: int = 0) -> None:
        """Keep the HTTP status, 0 if there was no answer."""
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Peer:
    """One server; safe for many threads."""

    client: httpx.Client

    def url(self, path: str) -> str:
        """Return the URL of a resource of the services, such as `/studies`."""
        return str(self.client.base_url).rstrip("/") + path

    @contextmanager
    def get(self, url: str, accept: str) -> Iterator[httpx.Response]:
        """Give out a successful answer whose payload is still to be read.

        Raises:
            PeerFailed: the server answers something else, or nothing.
        """
        try:
            with self.client.stream("GET", url, headers={"Accept": accept}) as response:
                if response.status_code != httpx.codes.OK:
                    raise _refused(response)
                yield response
        except httpx.HTTPError as error:
            raise _unreached(error) from error

    def get_json(self, path: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the matches of a search.

        Raises:
            PeerFailed: the server refuses, or answers something else than a list of data sets.
        """
        try:
            response = self.client.get(path, params=dict(parameters), headers={"Accept": "application/dicom+json"})
        except httpx.HTTPError as error:
            raise _unreached(error) from error
        if response.status_code == httpx.codes.NO_CONTENT:
            return []
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise _refused(response)
        found = parsed_json(response.content)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise PeerFailed("The server answered a search with something else than a list of data sets.")
        return found

    def post(self, path: str, content_type: str, length: int, body: Callable[[], Iterator[bytes]]) -> httpx.Response:
        """Send a payload and return the answer, whatever its status.

        Raises:
            PeerFailed: there is none.
        """
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(length),
            "Accept": "application/dicom+json",
        }
        try:
            return self.client.post(path, content=body(), headers=headers)
        except httpx.HTTPError as error:
            raise _unreached(error) from error


@contextmanager
def connected(
    base_url: str, *, token_file: Path | None, ca_file: Path | None, timeout_s: float, connections: int
) -> Iterator[Peer]:
    """Yield the server at `base_url`.

    Raises:
        CommandFailed: the URL, the token or the certificates cannot be used.
    """
    if not base_url.startswith(("http://", "https://")):
        raise CommandFailed(f"{base_url} is no URL of HTTP.")
    headers = {"User-Agent": "hilum"}
    if token := _token(token_file):
        headers["Authorization"] = f"Bearer {token}"
    try:
        client = httpx.Client(
            base_url=base_url,
            headers=headers,
            verify=str(ca_file) if ca_file else True,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        )
    except (OSError, ValueError, httpx.InvalidURL) as error:
        raise CommandFailed(f"The server {base_url} cannot be used: {error}") from error
    with client:
        yield Peer(client)


def _token(file: Path | None) -> str:
    if file is None:
        return os.environ.get(_TOKEN_VARIABLE, "").strip()
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"The token file {file} cannot be read.") from error
    return lines[0].strip() if lines else ""


def repeated(action: Callable[[], httpx.Response]) -> httpx.Response:
    """Return an answer; while the server is busy or unreachable, ask again after longer and longer pauses.

    Raises:
        PeerFailed: it never answered.
    """
    pause_s = _FIRST_PAUSE_S
    for attempt in range(_ATTEMPTS):
        is_last = attempt == _ATTEMPTS - 1
        try:
            response = action()
        except PeerFailed:
            if is_last:
                raise
        else:
            if is_last or response.status_code not in _WORTH_REPEATING:
                return response
        time.sleep(pause_s)
        pause_s *= 2
    raise AssertionError


def parsed_json(content: bytes) -> object:
    """Return what a payload in JSON says.

    Raises:
        PeerFailed: it is none.
    """
    if len(content) > _LARGEST_JSON:
        raise PeerFailed("The server's answer is too large.")
    try:
        parsed: object = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise PeerFailed("The server's answer is no JSON.") from error
    return parsed


def said(response: httpx.Response) -> str:
    """Return what an answer that refuses says, in one line."""
    response.read()
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    text = response.text if kind.startswith("text/plain") or kind.endswith("json") else ""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_TEXT]
    return f"The server answered {response.status_code}{': ' + line if line else '.'}"


def _refused(response: httpx.Response) -> PeerFailed:
    return PeerFailed(said(response), status=response.status_code)


def _unreached(error: httpx.HTTPError) -> PeerFailed:
    return PeerFailed(f"The server cannot be reached: {error or type(error).__name__}")
