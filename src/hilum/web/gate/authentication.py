"""Static bearer tokens (RFC 6750 2.1)."""

from __future__ import annotations

import hashlib
import hmac
import logging
from pathlib import Path
from typing import Final

_logger = logging.getLogger(__name__)

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


def _digest(token: str) -> bytes:
    """Return a digest: equal lengths let a comparison tell nothing of a token's length."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
