"""Which pages of other origins a browser lets use this server (Fetch standard, CORS protocol).

Loopback origins and those of `cors.allowed_origins` may. A request of any other origin that would change
something is refused even where a browser asks for no preflight, such as a form of a foreign page.
"""

from __future__ import annotations

import re
from typing import Final

from hilum.config import CorsSettings
from hilum.web.gate.hosts import is_loopback
from hilum.wire.forwarded import parse_host

Headers = list[tuple[bytes, bytes]]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\s]+)")
_EXPOSED: Final = (
    b"Location, Content-Location, Content-Disposition, Warning, ETag, Accept-Ranges, Content-Range, Content-Length, "
    b"Retry-After, X-Request-ID, X-Total-Count"
)
_METHODS: Final = b"GET, HEAD, POST, PUT, DELETE, OPTIONS"
_REQUEST_HEADERS: Final = (
    b"Accept, Accept-Language, Authorization, Cache-Control, Content-Location, Content-Type, If-Match, "
    b"If-None-Match, If-Range, Pragma, Range, X-Request-ID, X-Requested-With"
)
_HEADER_NAMES: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z, \t]{1,1024}")
_MAX_AGE_S: Final = b"7200"


class CorsPolicy:
    """Decides on origins and gives the headers that tell the browser."""

    def __init__(self, cors: CorsSettings) -> None:
        """Read the settings."""
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in cors.allowed_origins)
        self._all = "*" in self._allowed

    def allows(self, origin: str, *, own_origin: str) -> bool:
        """Say whether pages of `origin` may use this server.

        Args:
            origin: value of the Origin header.
            own_origin: scheme and host under which the user agent sees this server.
        """
        origin = origin.lower()
        if self._all or origin in self._allowed or origin == own_origin:
            return True
        found = _ORIGIN.fullmatch(origin)
        host = parse_host(found[2]) if found else None
        return host is not None and is_loopback(host)

    def answer_headers(self, origin: bytes) -> Headers:
        """Return what an answer to an allowed origin carries, errors included."""
        return [
            (b"access-control-allow-origin", b"*" if self._all else origin),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight_headers(self, origin: bytes, requested_headers: bytes) -> Headers:
        """Return what the answer to a preflight of an allowed origin carries.

        Args:
            origin: value of the Origin header.
            requested_headers: value of Access-Control-Request-Headers.
        """
        allowed = requested_headers if _HEADER_NAMES.fullmatch(requested_headers) else _REQUEST_HEADERS
        return [
            (b"access-control-allow-origin", b"*" if self._all else origin),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", allowed),
            (b"access-control-max-age", _MAX_AGE_S),
            # A public page that may use this server may do so too where it is on a private network.
            (b"access-control-allow-private-network", b"true"),
            (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ]


def origin_of_url(url: str) -> str:
    """Return scheme and host of an absolute URL, as a browser writes an origin.

    >>> origin_of_url("https://pacs.example.org/imaging")
    'https://pacs.example.org'
    """
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}".lower()
