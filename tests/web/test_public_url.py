from __future__ import annotations

from typing import Any

import pytest

from hilum.config import HttpSettings
from hilum.web.public_url import PublicUrl


def scope(host: str | None, *, peer: str = "10.0.0.9", scheme: str = "http", **forwarding: str) -> dict[str, Any]:
    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in forwarding.items()]
    return {"scheme": scheme, "client": (peer, "50000"), "server": ("127.0.0.1", "8080"), "headers": headers}


def test_the_setting_comes_before_everything() -> None:
    public_url = PublicUrl(
        HttpSettings(public_url="https://PACS.example.org:443/imaging/", trusted_proxies=("10.0.0.9",))
    )

    assert public_url.of_scope(scope("other", x_forwarded_host="third")) == "https://pacs.example.org/imaging"


@pytest.mark.parametrize(
    "text",
    ["pacs.example.org", "ftp://pacs", "https://", "https://a b", "https://u:p@h", "http://h/?q", "http://h/%2e"],
)
def test_a_public_url_is_scheme_host_and_path(text: str) -> None:
    with pytest.raises(ValueError, match="public_url"):
        PublicUrl(HttpSettings(public_url=text))


@pytest.mark.parametrize(
    ("host", "scheme", "url"),
    [
        ("localhost:9000", "http", "http://localhost:9000"),
        ("localhost", "http", "http://localhost:8080"),
        ("localhost:80", "http", "http://localhost"),
        ("[::1]:8080", "https", "https://[::1]:8080"),
        ("h:443", "https", "https://h"),
        (None, "http", "http://127.0.0.1:8080"),
        ("", "http", "http://127.0.0.1:8080"),
        ("bad host", "http", "http://127.0.0.1:8080"),
    ],
)
def test_a_direct_request_is_answered_for_its_host_and_the_port_that_it_arrived_on(
    host: str | None, scheme: str, url: str
) -> None:
    assert PublicUrl(HttpSettings()).of_scope(scope(host, scheme=scheme)) == url


def test_a_stranger_is_not_believed() -> None:
    asked = scope("localhost:1", x_forwarded_host="evil", x_forwarded_proto="https", forwarded="host=evil")

    assert PublicUrl(HttpSettings(trusted_proxies=("10.0.1.0/24",))).of_scope(asked) == "http://localhost:1"


@pytest.mark.parametrize("trusted", ["10.0.0.9", "10.0.0.0/8"])
@pytest.mark.parametrize(
    "forwarding",
    [
        {"forwarded": 'for=1.2.3.4;proto=https;host="pacs.example.org"'},
        {"x_forwarded_for": "1.2.3.4", "x_forwarded_proto": "https", "x_forwarded_host": "pacs.example.org"},
        {"x_forwarded_proto": "https", "x_forwarded_host": "pacs.example.org", "x_forwarded_port": "443"},
        {"forwarded": "proto=https;host=pacs.example.org", "x_forwarded_host": "ignored"},
    ],
)
def test_a_trusted_proxy_is_believed(trusted: str, forwarding: dict[str, str]) -> None:
    public_url = PublicUrl(HttpSettings(trusted_proxies=(trusted,)))

    assert public_url.of_scope(scope("127.0.0.1:8080", **forwarding)) == "https://pacs.example.org"


def test_behind_a_proxy_that_keeps_the_host_no_port_is_added() -> None:
    public_url = PublicUrl(HttpSettings(trusted_proxies=("10.0.0.9",)))

    assert public_url.of_scope(scope("pacs.example.org", x_forwarded_proto="https")) == "https://pacs.example.org"


def test_a_chain_is_believed_as_far_as_its_proxies_are_trusted() -> None:
    public_url = PublicUrl(HttpSettings(trusted_proxies=("10.0.0.0/8",)))
    forwarded = "for=6.6.6.6;host=evil, for=1.2.3.4;host=pacs;proto=https, for=10.0.0.8;host=middle"
    asked = scope("inner", forwarded=forwarded)

    assert public_url.of_scope(asked) == "https://pacs"
    assert public_url.user_agent_address(asked) == "1.2.3.4"


def test_a_prefix_of_a_proxy_goes_in_front() -> None:
    public_url = PublicUrl(HttpSettings(trusted_proxies=("10.0.0.9",)))

    assert public_url.of_scope(scope("h", x_forwarded_prefix="/imaging/")) == "http://h/imaging"


def test_repeated_headers_are_one_list() -> None:
    public_url = PublicUrl(HttpSettings(trusted_proxies=("10.0.0.9",)))
    asked = scope("h")
    asked["headers"] += [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.2.3.4")]

    assert public_url.user_agent_address(asked) == "1.2.3.4"


def test_a_mapped_address_is_the_address_it_maps() -> None:
    public_url = PublicUrl(HttpSettings(trusted_proxies=("10.0.0.9",)))

    assert public_url.of_scope(scope("h", peer="::ffff:10.0.0.9", x_forwarded_host="pacs")) == "http://pacs"


def test_a_trusted_proxy_is_an_address_or_a_network() -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        PublicUrl(HttpSettings(trusted_proxies=("proxy.example.org",)))
