"""The secret of this origin server: what replaces UIDs and Patient IDs is made with it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

_NAME: Final = "secret.key"
_BYTES: Final = 32


def server_key(data: Path) -> bytes:
    """Return the key in the data folder; it is made once, readable by its owner alone.

    Processes that make it at the same time agree on one. Servers that share an archive from several data folders
    need the same file in each.
    """
    path = data / _NAME
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    draft = data / f"{_NAME}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            # Another process was first: its key counts.
            return path.read_bytes()
    finally:
        draft.unlink()
    return path.read_bytes()
