"""The one place where absolute URLs begin: scheme, host and prefix as the user agent sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from hilum.config import HttpSettings
from hilum.wire.forwarded import Hop, HostPort, parse_forwarded, parse_host, parse_x_forwarded

_PUBLIC_URL: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)(?P<prefix>(?:/[0-9A-Za-z._~\-]+)*)/?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FORWARDING: Final = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
    }
)


class PublicUrl:
    """Makes base URLs: from the setting, else from what trusted proxies say, else from the Host header."""

    def __init__(self, http: HttpSettings) -> None:
        """Read the settings.

        Raises:
            ValueError: `public_url` is no URL of scheme, host and path, or a trusted proxy is no address.
        """
        self._fixed = ""
        self.host: HostPort | None = None
        """Host of the `public_url` setting."""
        if http.public_url:
            found = _PUBLIC_URL.fullmatch(http.public_url)
            self.host = parse_host(found["host"]) if found else None
            if found is None or self.host is None:
                raise ValueError("public_url must be like https://pacs.example.org/imaging.")
            self._fixed = f"{found['scheme']}://{_authority(found['scheme'], self.host)}{found['prefix']}"
        networks = tuple(_network(text) for text in http.trusted_proxies)
        # A fleet of proxies is small and asks often; the cache is bounded because peers need not be proxies.
        self._is_trusted = lru_cache(maxsize=1024)(lambda address: _is_in(address, networks))

    def of(self, request: Request) -> str:
        """Return scheme, host and prefix of every absolute URL in the answer to `request`, without a final slash."""
        return self.of_scope(request.scope)

    def of_scope(self, scope: Scope) -> str:
        """Return the same as `of`."""
        if self._fixed:
            return self._fixed
        scheme: str = scope.get("scheme", "http")
        host = _host_header(scope)
        port = _server_port(scope)
        prefix = ""
        if self._is_trusted(_peer(scope)):
            hops = self._believed(scope)
            scheme = next((hop.scheme for hop in hops if hop.scheme), scheme)
            host = next((hop.host for hop in hops if hop.host), host)
            prefix = next((hop.prefix for hop in hops if hop.prefix), "")
        elif host is not None and host.port is None and port is not None:
            # Some user agents leave the port out of Host (dicomweb-client for Python does).
            host = HostPort(host.name, port)
        return f"{scheme}://{_authority(scheme, host or _server(scope))}{prefix}"

    def user_agent_address(self, scope: Scope) -> str:
        """Return the address of the user agent as far as trusted proxies tell it; '' if the peer has none."""
        peer = _peer(scope)
        if not self._is_trusted(peer):
            return peer
        hops = self._believed(scope)
        return next((hop.address for hop in hops if hop.address), peer)

    def _believed(self, scope: Scope) -> Sequence[Hop]:
        """Return what trusted proxies say, the one nearest to the user agent first.

        Each hop is told by the proxy that the next one names; the chain is believed as far as these are trusted.
        """
        believed: list[Hop] = []
        address = _peer(scope)
        for hop in reversed(_hops(scope)):
            if not self._is_trusted(address):
                break
            believed.append(hop)
            address = hop.address
        return believed[::-1]


def _hops(scope: Scope) -> tuple[Hop, ...]:
    values: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in _FORWARDING:
            key, text = name.decode("ascii"), value.decode("latin-1")
            values[key] = f"{values[key]}, {text}" if key in values else text
    return parse_forwarded(values["forwarded"]) if "forwarded" in values else parse_x_forwarded(values)


def _host_header(scope: Scope) -> HostPort | None:
    for name, value in scope["headers"]:
        if name == b"host":
            return parse_host(value.decode("latin-1"))
    return None


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _server(scope: Scope) -> HostPort:
    """Return where the request arrived: the last resort when the request does not say whom it asks."""
    server = scope.get("server") or ("localhost", None)
    name = str(server[0])
    return HostPort(f"[{name}]" if ":" in name else name, _server_port(scope))


def _server_port(scope: Scope) -> int | None:
    server = scope.get("server")
    return int(server[1]) if server and server[1] is not None else None


def _authority(scheme: str, host: HostPort) -> str:
    return host.name if host.port == _DEFAULT_PORTS.get(scheme) else str(host)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"trusted_proxies: {text!r} is neither an address nor a network.") from error


def _is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network or parsed in network for network in networks)
