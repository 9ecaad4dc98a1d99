from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import imagecodecs
import pytest

import servers
from hilum.web.page.page import compressed, digest_of, read_contents

MOST_BYTES = 200_000
LITERAL = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)*)"')
GERMAN_KEY = re.compile(r'^  (?:"((?:[^"\\]|\\.)*)"|(\w+)):', re.MULTILINE)


def sources() -> dict[str, str]:
    return {name: body.decode() for name, body in read_contents().items() if name.endswith(".js")}


def test_the_whole_page_weighs_less_than_200_kb_on_the_wire() -> None:
    assets = [compressed(body, "text/plain") for body in read_contents().values()]

    assert sum(len(asset.bodies["gzip"]) for asset in assets) < MOST_BYTES


def test_every_coding_holds_the_same_bytes() -> None:
    asset = compressed(b"text " * 1000, "text/plain")

    assert imagecodecs.brotli_decode(asset.bodies["br"]) == gzip.decompress(asset.bodies["gzip"]) == b"text " * 1000


def test_another_content_has_another_digest() -> None:
    assert digest_of({"a": b"1"}) == digest_of({"a": b"1"}) != digest_of({"a": b"2"})


def test_every_text_has_its_german() -> None:
    same = {"Hilum", "Instance", "Position", "Server", "Version", "Token", "Patient"}
    wanted = {text for source in sources().values() for text in LITERAL.findall(source)}
    known = {first or second for first, second in GERMAN_KEY.findall(sources()["german.js"])}

    assert wanted - known - same == set()


def test_no_german_text_is_left_over() -> None:
    code = "\n".join(source for name, source in sources().items() if name != "german.js")
    known = {first or second for first, second in GERMAN_KEY.findall(sources()["german.js"])}

    assert {text for text in known if f'"{text}"' not in code} == set()


def test_no_source_makes_markup_of_text() -> None:
    for source in sources().values():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source)


def test_the_page_is_open_and_all_else_is_not(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("secret\n")
    settings = {"TOKEN_FILE": str(tmp_path / "tokens"), "HTTP__DICOMWEB_ROOT": "/archive/rs"}
    with servers.running(tmp_path / "data", settings=settings) as server, httpx.Client(trust_env=False) as client:
        page = client.get(server.origin + "/", headers={"Accept-Encoding": "br"})
        (script,) = re.findall(r'src="([^"]+)"', page.text)
        asset = client.get(f"{server.origin}/{script}", headers={"Accept-Encoding": "gzip"})
        bare = client.get(f"{server.origin}/{script}", headers={"Accept-Encoding": "identity"})
        missing = [client.get(f"{server.origin}/page/{path}") for path in ("0/app.js", f"{script[5:21]}/index.html")]
        closed = client.get(server.origin + "/server.json")
        opened = client.get(server.origin + "/server.json", headers={"Authorization": "Bearer secret"})
        foreign = client.get(server.origin + "/", headers={"Host": "evil.example"})

    assert page.headers["content-encoding"] == "br"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert 'content="archive/rs"' in page.text
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (asset.headers["content-encoding"], asset.content) == ("gzip", bare.content)
    assert [answer.status_code for answer in missing] == [404, 404]
    assert (closed.status_code, opened.status_code, foreign.status_code) == (401, 200, 403)
    assert "secret" not in opened.text
    assert str(tmp_path) not in opened.text


@pytest.mark.parametrize("name", ["app.js", "german.js", "page.css", "attributes.json", "icon.svg"])
def test_the_assets_are_there(name: str) -> None:
    assert read_contents()[name]
