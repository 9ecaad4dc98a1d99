from __future__ import annotations

import socket

import pytest

from hilum.config import HttpSettings, Settings
from hilum.web.gate.hosts import HostRule, is_loopback
from hilum.wire.forwarded import parse_host


def allows(rule: HostRule, text: str) -> bool:
    host = parse_host(text)
    assert host is not None
    return rule.allows(host)


def rule(host: str = "127.0.0.1", *allowed: str, public: str = "") -> HostRule:
    return HostRule(Settings(host=host, http=HttpSettings(allowed_hosts=allowed)), parse_host(public))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9", "a.localhost", "127.0.0.1:8080", "127.1.2.3", "[::1]:1", "localhost."]
)
def test_loopback_names_are_always_this_server(host: str) -> None:
    assert allows(rule("192.168.1.5"), host)


@pytest.mark.parametrize(
    "host", ["evil.example", "192.168.1.6", "localhost.evil.example", "127.0.0.1.nip.io", "xlocalhost", "0.0.0.0"]
)
def test_other_names_are_not(host: str) -> None:
    assert not allows(rule("192.168.1.5"), host)


def test_the_bound_name_configured_ones_and_the_public_one_are() -> None:
    hosts = rule("pacs.local", "viewer.example.org:443", "*.hospital.example", public="Public.example")

    for name in ("pacs.local:8080", "viewer.example.org", "a.hospital.example", "public.example"):
        assert allows(hosts, name)
    for name in ("hospital.example", "evilhospital.example", "example.org"):
        assert not allows(hosts, name)


def test_a_server_on_every_interface_answers_to_any_address_and_its_own_name() -> None:
    assert allows(rule("0.0.0.0"), "192.168.1.6:8080")
    assert allows(rule("::"), "[2001:db8::1]")
    assert allows(rule("0.0.0.0"), socket.gethostname())
    assert not allows(rule("0.0.0.0"), "evil.example")


def test_a_star_allows_every_name() -> None:
    assert allows(rule("127.0.0.1", "*"), "anything.example")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("[::1]", True), ("127.9.9.9", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_loopback_is_told_apart(host: str, loopback: bool) -> None:
    parsed = parse_host(host)

    assert parsed is not None
    assert is_loopback(parsed) is loopback
