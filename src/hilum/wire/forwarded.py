"""What proxies say of the request that they pass on: `Forwarded` (RFC 7239) and `X-Forwarded-*`.

Only values are made here. Whom to believe is decided where the peer's address is known (`web/public_url.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hilum.wire.media_types import MAX_CHARACTERS

MAX_HOPS: Final = 32
"""Most proxies of a chain that are looked at, the nearest ones."""

_HOST: Final = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z](?:[0-9A-Za-z_.\-]{0,253}[0-9A-Za-z.])?)(?::(?P<port>[0-9]{1,5}))?"
)
_PAIR: Final = re.compile(r'[ \t]*([0-9A-Za-z]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*+"|[^\s;,"]*)[ \t]*(;|,|\Z)')
_NODE: Final = re.compile(
    r"\[(?P<six>[0-9A-Fa-f:.]+)\](?::[0-9]+)?|(?P<four>[0-9.]+)(?::[0-9]+)?|(?P<bare>[0-9A-Fa-f:.]+)"
)
_PREFIX: Final = re.compile(r"(?:/[0-9A-Za-z._~\-]+)*")


@dataclass(frozen=True, slots=True)
class HostPort:
    """A host with an optional port."""

    name: str
    """Lower case, an IPv6 address in brackets, without a dot at its end."""
    port: int | None

    def __str__(self) -> str:
        """Return it as a Host header writes it."""
        return self.name if self.port is None else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says: who asked it, and for which host by which scheme. '' and None: it does not say."""

    address: str = ""
    """IP address of the peer that the proxy was asked by; '' also where it hides it."""
    scheme: str = ""
    """`http` or `https`."""
    host: HostPort | None = None
    prefix: str = ""
    """Path in front of ours, such as `/imaging`."""


def parse_host(text: str) -> HostPort | None:
    """Return the host of a Host header or of an authority; None: it is malformed.

    Source: RFC 9110 7.2.

    >>> str(parse_host("PACS.example.org:8080"))
    'pacs.example.org:8080'
    """
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or 0) > 65535:
        return None
    return HostPort(found["name"].lower().rstrip("."), int(found["port"]) if found["port"] else None)


def parse_forwarded(text: str) -> tuple[Hop, ...]:
    """Return the hops of a Forwarded header, the nearest proxy last. A malformed header gives none.

    Source: RFC 7239 4.
    """
    if len(text) > MAX_CHARACTERS:
        return ()
    hops: list[Hop] = []
    pairs: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _PAIR.match(text, position)
        if found is None:
            return ()
        value = found[2]
        pairs[found[1].lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        position = found.end()
        if found[3] != ";":
            hops.append(_hop(pairs.get("for", ""), pairs.get("proto", ""), pairs.get("host", ""), ""))
            pairs = {}
    return tuple(hops[-MAX_HOPS:])


def parse_x_forwarded(headers: Mapping[str, str]) -> tuple[Hop, ...]:
    """Return the hops that the X-Forwarded-For, -Proto, -Host, -Port and -Prefix headers tell, nearest last.

    Proxies disagree: some add to a list, some overwrite. The lists are aligned at their ends, so that what the
    nearest proxy says belongs to it.

    Args:
        headers: by name in lower case.
    """
    addresses, schemes, hosts, ports, prefixes = (
        _items(headers.get(f"x-forwarded-{name}", "")) for name in ("for", "proto", "host", "port", "prefix")
    )
    count = max(map(len, (addresses, schemes, hosts, ports, prefixes)))
    hops: list[Hop] = []
    for place in range(-count, 0):
        host, port = _item(hosts, place), _item(ports, place)
        # A port in the host says more than X-Forwarded-Port, which is often the proxy's own.
        if host and port and (parsed := parse_host(host)) is not None and parsed.port is None:
            host = f"{host}:{port}"
        hops.append(_hop(_item(addresses, place), _item(schemes, place), host, _item(prefixes, place)))
    return tuple(hops)


def _items(text: str) -> list[str]:
    return [item.strip() for item in text[:MAX_CHARACTERS].split(",")][-MAX_HOPS:] if text else []


def _item(items: list[str], place: int) -> str:
    return items[place] if -place <= len(items) else ""


def _hop(address: str, scheme: str, host: str, prefix: str) -> Hop:
    node = _NODE.fullmatch(address.strip())
    scheme, prefix = scheme.lower(), prefix.rstrip("/")
    return Hop(
        address=node["six"] or node["four"] or node["bare"] if node else "",
        scheme=scheme if scheme in ("http", "https") else "",
        host=parse_host(host),
        prefix=prefix if _PREFIX.fullmatch(prefix) else "",
    )
