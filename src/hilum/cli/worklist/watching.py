"""The receiver's end of an event channel (PS3.18 8.10)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import typer
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import connect

from hilum.cli.invocation.failures import CommandFailed

_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)
_MOST_BYTES: Final = 16 * 1024 * 1024


def print_events(url: str, headers: Mapping[str, str], count: int) -> None:
    """Print each event as one line, until there were `count` of them (0: for ever).

    A connection that breaks is made again; the server keeps the subscription meanwhile.

    Raises:
        CommandFailed: the first connection cannot be made.
    """
    printed, attempt = 0, 0
    while not count or printed < count:
        try:
            with connect(url, additional_headers=dict(headers), max_size=_MOST_BYTES) as socket:
                attempt = 0
                while not count or printed < count:
                    typer.echo(socket.recv(decode=True))
                    printed += 1
        except (InvalidURI, InvalidHandshake) as error:
            raise CommandFailed(f"The event channel {url} refuses the connection: {error}") from error
        except (ConnectionClosed, OSError, TimeoutError) as error:
            if attempt >= len(_PAUSES_S):
                raise CommandFailed(f"The event channel {url} cannot be reached: {error}") from error
            time.sleep(_PAUSES_S[attempt])
            attempt += 1
