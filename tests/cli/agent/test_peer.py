from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from hilum.cli.agent import peer as peers
from hilum.cli.agent.peer import PeerFailed, connected, parsed_json, repeated, said
from hilum.cli.invocation.failures import CommandFailed


def test_a_url_of_another_scheme_is_refused() -> None:
    with (
        pytest.raises(CommandFailed),
        connected("ftp://host", token_file=None, ca_file=None, timeout_s=1, connections=1),
    ):
        pass


def test_the_token_travels_in_its_header(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\nmore\n")

    with connected("http://host/x", token_file=tmp_path / "token", ca_file=None, timeout_s=1, connections=1) as peer:
        assert peer.client.headers["authorization"] == "Bearer secret"
        assert peer.url("/studies") == "http://host/x/studies"


def test_a_server_that_is_not_there_is_told() -> None:
    with (
        connected("http://127.0.0.1:9", token_file=None, ca_file=None, timeout_s=1, connections=1) as peer,
        pytest.raises(PeerFailed, match="cannot be reached"),
    ):
        peer.get_json("/studies", {})


def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_FIRST_PAUSE_S", 0.001)
    answers = iter([httpx.Response(503), httpx.Response(429), httpx.Response(200)])

    assert repeated(lambda: next(answers)).status_code == 200


def test_a_server_that_stays_busy_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_FIRST_PAUSE_S", 0.001)

    assert repeated(lambda: httpx.Response(503)).status_code == 503


def test_what_a_server_says_becomes_one_printable_line() -> None:
    response = httpx.Response(400, text="No\nboundary\x1b[31m.", headers={"content-type": "text/plain"})

    assert said(response) == "The server answered 400: No boundary [31m."


def test_pages_of_html_are_not_repeated() -> None:
    assert said(httpx.Response(404, html="<h1>No</h1>")) == "The server answered 404."


def test_what_is_no_json_is_told() -> None:
    with pytest.raises(PeerFailed, match="no JSON"):
        parsed_json(b"<xml/>")
