from __future__ import annotations

import pytest

from hilum.config import CorsSettings
from hilum.web.gate.cors import CorsPolicy, origin_of_url


def allows(policy: CorsPolicy, origin: str) -> bool:
    return policy.allows(origin, own_origin="https://pacs.example.org")


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080", "http://app.localhost"]
)
def test_pages_of_this_machine_are_allowed(origin: str) -> None:
    assert allows(CorsPolicy(CorsSettings()), origin)


def test_the_server_s_own_pages_are_allowed() -> None:
    assert allows(CorsPolicy(CorsSettings()), "https://PACS.example.org")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://localhost.evil.example",
        "file://",
        "http://pacs.example.org",
        "http://a@localhost",
        "http://localhost/x",
    ],
)
def test_other_pages_are_foreign(origin: str) -> None:
    assert not allows(CorsPolicy(CorsSettings()), origin)


def test_origins_can_be_configured() -> None:
    policy = CorsPolicy(CorsSettings(allowed_origins=("https://viewer.example.org/",)))

    assert allows(policy, "https://viewer.example.org")
    assert not allows(policy, "https://viewer.example.org:8443")


def test_a_star_allows_all_origins() -> None:
    policy = CorsPolicy(CorsSettings(allowed_origins=("*",)))

    assert allows(policy, "null")
    assert dict(policy.answer_headers(b"https://a"))[b"access-control-allow-origin"] == b"*"


def test_a_preflight_allows_what_is_asked_for() -> None:
    headers = dict(CorsPolicy(CorsSettings()).preflight_headers(b"http://localhost", b"x-odd, accept"))

    assert headers[b"access-control-allow-headers"] == b"x-odd, accept"
    assert b"DELETE" in headers[b"access-control-allow-methods"]


@pytest.mark.parametrize("requested", [b"", b"a\r\nset-cookie: x", b"x" * 2000])
def test_an_odd_preflight_gets_the_usual_headers(requested: bytes) -> None:
    headers = dict(CorsPolicy(CorsSettings()).preflight_headers(b"http://localhost", requested))

    assert b"Accept," in headers[b"access-control-allow-headers"]


def test_the_origin_of_a_url_is_scheme_and_host() -> None:
    assert origin_of_url("http://H:8080/a/b") == "http://h:8080"
