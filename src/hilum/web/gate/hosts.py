"""Which Host a request may name.

A page of a foreign name that resolves to this server (DNS rebinding) is the same origin to a browser: only the Host
header tells it apart. So a name that is not this server's is refused with 403. An address cannot be rebound, so
where the server listens on every interface any address will do.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from hilum.config import Settings
from hilum.wire.forwarded import HostPort, parse_host

_EVERY_INTERFACE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound


class HostRule:
    """The hosts of this server: loopback, the bound name, `http.allowed_hosts` and the host of `public_url`."""

    def __init__(self, settings: Settings, public_host: HostPort | None) -> None:
        """Read the settings; in `http.allowed_hosts`, `*.example.org` allows all names below and `*` all names."""
        names = {"localhost", _bare(settings.host)}
        if public_host is not None:
            names.add(_bare(public_host.name))
        self._any_address = settings.host in _EVERY_INTERFACE
        if self._any_address:
            # Not the fully qualified name: asking for it waits for a name server that may not be there.
            names.add(socket.gethostname().lower())
        allowed = [text.lower() for text in settings.http.allowed_hosts]
        self._any_name = "*" in allowed
        self._suffixes = tuple(text[1:] for text in allowed if text.startswith("*."))
        self._names = frozenset(names | set(_names(allowed)))

    def allows(self, host: HostPort) -> bool:
        """Say whether a request may name `host`; its port does not matter."""
        name = _bare(host.name)
        if name in self._names or self._any_name or name.endswith((".localhost", *self._suffixes)):
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback


def is_loopback(host: HostPort) -> bool:
    """Say whether `host` is this machine as only itself can name it."""
    name = _bare(host.name)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _names(allowed: Iterable[str]) -> Iterable[str]:
    for text in allowed:
        host = parse_host(text)
        yield _bare(host.name) if host else text


def _bare(name: str) -> str:
    return name.strip("[]").lower()
