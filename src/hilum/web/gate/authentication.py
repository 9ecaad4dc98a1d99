"""Static bearer tokens (RFC 6750 2.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from pathlib import Path
from typing import Final

_logger = logging.getLogger(__name__)

EVENTS_PROTOCOL: Final = "hilum.events"
"""Subprotocol that a browser names, and gets, which sends its token as the name of another."""
_TOKEN_PROTOCOL: Final = "hilum.bearer."  # noqa: S105 - the name of a subprotocol
_SCHEME: Final = "bearer "
_MAX_TOKEN: Final = 4096

Stamp = tuple[int, int, int, int]


class TokenFile:
    """Tokens of a file, one a line; empty lines and lines that begin with `#` are none.

    The file is read again when it changes. While it cannot be read no token is valid: taking it away takes the
    access away.
    """

    def __init__(self, path: Path) -> None:
        """Read the tokens.

        Raises:
            OSError: the file cannot be read.
        """
        self._path = path
        self._stamp: Stamp | None = self._read_stamp()
        self._digests = self._read()

    def accepts(self, authorization: str) -> bool:
        """Say whether an Authorization header carries one of the tokens.

        All tokens are compared, each in constant time, so that the time tells nothing of any of them.
        """
        self._refresh()
        scheme, token = authorization[: len(_SCHEME)], authorization[len(_SCHEME) :].strip()
        if scheme.lower() != _SCHEME or not 0 < len(token) <= _MAX_TOKEN:
            return False
        digest = _digest(token)
        # A sum makes every comparison; `any` would end with the first that succeeds.
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0

    def _refresh(self) -> None:
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._digests = self._read()
                self._stamp = stamp
        except OSError as error:
            if self._stamp is not None:
                _logger.error("The token file cannot be read, so no token is valid: %s.", error.strerror)  # noqa: TRY400 - the trace tells nothing more
            self._stamp, self._digests = None, ()

    def _read_stamp(self) -> Stamp:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino

    def _read(self) -> tuple[bytes, ...]:
        lines = (line.strip() for line in self._path.read_text("utf-8", "replace").splitlines())
        return tuple(_digest(line) for line in lines if line and not line.startswith("#"))


def with_token_of_protocols(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the headers of a WebSocket's handshake with the token that its subprotocols carry.

    A page can give a WebSocket no Authorization header. It sends the subprotocols `hilum.events` and
    `hilum.bearer.` with the token in base64url, which no log and no history keeps as they would a query.

    >>> with_token_of_protocols({b"sec-websocket-protocol": b"hilum.events, hilum.bearer.czNjcmV0"})[b"authorization"]
    b'Bearer s3cret'
    """
    if b"authorization" in headers:
        return headers
    names = headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(",")
    encoded = [name.strip().removeprefix(_TOKEN_PROTOCOL) for name in names if name.strip().startswith(_TOKEN_PROTOCOL)]
    if len(encoded) != 1 or len(encoded[0]) > 2 * _MAX_TOKEN:
        return headers
    try:
        token = base64.urlsafe_b64decode(encoded[0] + "=" * (-len(encoded[0]) % 4))
    except ValueError:
        return headers
    # As any header, so that one rule compares both.
    return {**headers, b"authorization": b"Bearer " + token}


def _digest(token: str) -> bytes:
    """Return a digest: equal lengths let a comparison tell nothing of a token's length."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
