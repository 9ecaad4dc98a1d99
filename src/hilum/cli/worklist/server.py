"""Requests of the Worklist Service to any origin server (PS3.18 chapter 11)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
import orjson

from hilum.cli.invocation.failures import CommandFailed
from hilum.dicom.worklist.states import FILTERED_WORKLIST, WORKLIST

_JSON: Final = "application/dicom+json"
_TIMEOUT_S: Final = 60.0
_MOST_TEXT: Final = 300

Members = dict[str, Any]


class WorklistServer:
    """One origin server, by the base URL of its RESTful services."""

    def __init__(self, url: str, token: str | None) -> None:
        """Ask nothing yet.

        Args:
            url: base URL, such as `http://127.0.0.1:8080/dicomweb`.
            token: bearer token; None: the server needs none.

        Raises:
            CommandFailed: `url` is no URL of HTTP.
        """
        if not url.startswith(("http://", "https://")):
            raise CommandFailed("The URL of the server must begin with http:// or https://.")
        self.url: Final = url.rstrip("/")
        self.headers: Final = {"Authorization": f"Bearer {token}"} if token else {}
        self._client: Final = httpx.Client(headers={"Accept": _JSON, **self.headers}, timeout=_TIMEOUT_S)

    def __enter__(self) -> Self:
        """Close the connections at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._client.close()

    def search(self, matches: Sequence[str], limit: int) -> list[Members]:
        """Return the workitems that match; each of `matches` is `attribute=value`."""
        query = "&".join([*map(_encoded_match, matches), f"limit={limit}"])
        response = self._asked("GET", f"/workitems?{query}")
        return _workitems(response) if response.status_code == httpx.codes.OK else []

    def retrieve(self, uid: str) -> Members:
        """Return a workitem."""
        found = _workitems(self._asked("GET", f"/workitems/{uid}"))
        if len(found) != 1:
            raise CommandFailed("The server did not answer with one workitem.")
        return found[0]

    def create(self, members: Mapping[str, Any], uid: str) -> tuple[str, str]:
        """Create a workitem; return its UID and a warning, '' if there is none."""
        response = self._asked("POST", f"/workitems?workitem={uid}" if uid else "/workitems", [members])
        return response.headers.get("location", "").rpartition("/")[2] or uid, _warning(response)

    def change_state(self, uid: str, state: str, transaction_uid: str) -> str:
        """Change the state of a workitem; return a warning, '' if there is none."""
        members = {
            "00081195": {"vr": "UI", "Value": [transaction_uid]},
            "00741000": {"vr": "CS", "Value": [state]},
        }
        return _warning(self._asked("PUT", f"/workitems/{uid}/state", [members]))

    def update(self, uid: str, members: Mapping[str, Any], transaction_uid: str) -> str:
        """Update a workitem; return a warning, '' if there is none."""
        query = f"?transaction-uid={transaction_uid}" if transaction_uid else ""
        return _warning(self._asked("POST", f"/workitems/{uid}{query}", [members]))

    def request_cancellation(self, uid: str, reason: str) -> str:
        """Ask for the cancellation of a workitem; return a warning, '' if there is none."""
        members = {"00741238": {"vr": "LT", "Value": [reason]}} if reason else {}
        return _warning(self._asked("POST", f"/workitems/{uid}/cancelrequest", [members]))

    def subscribe(self, target: str, ae_title: str, matches: Sequence[str]) -> str:
        """Subscribe to a workitem, or with '' to all that match; return the URL of the event channel."""
        if not target:
            target = FILTERED_WORKLIST if matches else WORKLIST
        items = [quote(match, safe="") for match in matches]
        query = f"?filter={','.join(items)}" if items else ""
        response = self._asked("POST", f"/workitems/{target}/subscribers/{quote(ae_title)}{query}")
        url: str = response.headers.get("content-location") or response.headers.get("location", "")
        if not url.startswith(("ws:", "wss:")):
            raise CommandFailed("The server named no event channel.")
        return url

    def _asked(self, method: str, path: str, payload: Sequence[Mapping[str, Any]] | None = None) -> httpx.Response:
        """Return a successful response.

        Raises:
            CommandFailed: the server cannot be reached, or refuses.
        """
        content = None if payload is None else orjson.dumps(payload)
        headers = {} if payload is None else {"Content-Type": _JSON}
        try:
            response = self._client.request(method, self.url + path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise CommandFailed(f"The server {self.url} cannot be asked: {error}") from error
        if not response.is_success:
            said = _warning(response) or response.text.strip()[:_MOST_TEXT]
            raise CommandFailed(f"The server answers {response.status_code}: {said or response.reason_phrase}")
        return response


def new_uid() -> str:
    """Return a UID that nobody else has (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def _encoded_match(match: str) -> str:
    name, separator, value = match.partition("=")
    if not separator:
        raise CommandFailed(f"A match is of the form attribute=value, unlike {match!r}.")
    return f"{quote(name, safe='.')}={quote(value, safe=',')}"


def _workitems(response: httpx.Response) -> list[Members]:
    try:
        found = response.json()
    except ValueError as error:
        raise CommandFailed("The server did not answer in JSON.") from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise CommandFailed("The server did not answer with workitems.")
    return found


def _warning(response: httpx.Response) -> str:
    text: str = response.headers.get("warning", "")
    return text.partition(": ")[2] or text
