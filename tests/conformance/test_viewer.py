"""The viewer on board, installed and not: its page, its configuration and its files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import imagecodecs
import pytest

import servers
from viewer_packages import FILES, SCRIPT, install_small

ISOLATION = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
DECODE: dict[str | None, Callable[[bytes], bytes | bytearray]] = {
    "br": imagecodecs.brotli_decode,
    "gzip": gzip.decompress,
    None: bytes,
}
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def viewing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.running(Path(tmp_path_factory.mktemp("viewer")) / "data") as server:
        yield server


@pytest.fixture
def browser(viewing: servers.Server) -> Iterator[httpx.Client]:
    """Ask as a browser does."""
    headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd"}
    with httpx.Client(base_url=viewing.origin, headers=headers, trust_env=False, timeout=60.0) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/viewer", "/viewer/", "/viewer/viewer?StudyInstanceUIDs=1.2", "/viewer/app-config.js"]
)
def test_without_it_one_sentence_says_how_to_install_it(server: servers.Server, path: str) -> None:
    response = httpx.get(f"{server.origin}{path}", trust_env=False)

    assert response.status_code == 404
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == "The OHIF viewer is not installed: the command `hilum viewer install` installs it.\n"


@pytest.mark.parametrize("path", ["", "/", "/viewer?StudyInstanceUIDs=1.2", "/viewer/hilum", "/segmentation", "/1.2.3"])
def test_each_path_of_the_viewer_is_its_page(viewing: servers.Server, browser: httpx.Client, path: str) -> None:
    installed = install_small(viewing.data)

    response = browser.get(f"/viewer{path}")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert f'src="/viewer/files/{installed.build}/{SCRIPT}"' in response.text
    assert response.headers["cache-control"] == "private, no-cache"
    assert "script-src 'self' 'unsafe-eval'" in response.headers["content-security-policy"]
    assert response.headers.items() >= ISOLATION.items()
    again = browser.get(f"/viewer{path}", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_configuration_names_the_roots_of_this_server(viewing: servers.Server, browser: httpx.Client) -> None:
    install_small(viewing.data)

    response = browser.get("/viewer/app-config.js")

    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert '"qidoRoot": "/dicomweb"' in response.text
    assert response.headers["cache-control"] == "private, no-cache"


def test_paths_begin_with_the_prefix_that_a_proxy_adds(tmp_path: Path) -> None:
    settings = {"HTTP__PUBLIC_URL": "https://pacs.example.org/imaging"}
    with servers.running(tmp_path / "data", settings=settings) as server:
        installed = install_small(server.data)

        page = httpx.get(f"{server.origin}/viewer/", trust_env=False)
        config = httpx.get(f"{server.origin}/viewer/app-config.js", trust_env=False)

    assert f'src="/imaging/viewer/files/{installed.build}/{SCRIPT}"' in page.text
    assert '"routerBasename": "/imaging/viewer"' in config.text
    assert '"wadoRoot": "/imaging/dicomweb"' in config.text


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("identity", None), ("br;q=0, gzip", "gzip")],
)
def test_a_file_comes_in_the_best_coding_and_never_changes(
    viewing: servers.Server, accepted: str, coding: str | None
) -> None:
    installed = install_small(viewing.data)
    url = f"{viewing.origin}/viewer/files/{installed.build}/{SCRIPT}"

    with httpx.stream("GET", url, headers={"Accept-Encoding": accepted}, trust_env=False) as response:
        content = b"".join(response.iter_raw())
    head = httpx.head(url, headers={"Accept-Encoding": accepted}, trust_env=False)

    assert DECODE[coding](content) == installed.path(SCRIPT, "identity").read_bytes()
    assert response.headers.get("content-encoding") == coding
    assert int(response.headers["content-length"]) == len(content)
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == FOREVER
    assert "Accept-Encoding" in response.headers.get_list("vary", split_commas=True)
    assert response.headers.items() >= ISOLATION.items()
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == response.headers["content-length"]
    known = httpx.get(
        url, headers={"Accept-Encoding": accepted, "If-None-Match": head.headers["etag"]}, trust_env=False
    )
    assert known.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/viewer/app.bundle.js",
        "/viewer/files/0000000000000000/app.bundle.css",
        "/viewer/files/{build}/no.js",
        "/viewer/files/{build}/../../installed.json",
        "/viewer/files/{build}/%2e%2e/installed.json",
        "/viewer/files/{build}/..%2finstalled.json",
        "/viewer/files/{build}//etc/passwd",
        "/viewer/files/{build}/app.bundle.css.br",
        "/viewer/files/{build}/app.bundle.css%00",
        "/viewer/files/{build}/",
        "/viewer/files/../../index.db",
    ],
)
def test_what_is_no_file_of_the_viewer_is_not_found(viewing: servers.Server, path: str) -> None:
    installed = install_small(viewing.data)

    with httpx.Client(base_url=viewing.origin, trust_env=False) as client:
        # As raw bytes: an HTTP library would tidy the path.
        request = client.build_request("GET", "/")
        request.url = request.url.copy_with(raw_path=path.format(build=installed.build).encode())
        response = client.send(request)

    if response.status_code == 200:
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.text.startswith("<!doctype html>")
    else:
        assert response.status_code == 404


def test_other_methods_are_refused(viewing: servers.Server, browser: httpx.Client) -> None:
    install_small(viewing.data)

    response = browser.post("/viewer/", content=b"x")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_running_server_serves_what_is_installed_anew(viewing: servers.Server, browser: httpx.Client) -> None:
    old = install_small(viewing.data)
    before = browser.get("/viewer/").text
    new = install_small(viewing.data, FILES | {"dist/extra.js": b"more"})
    after = browser.get("/viewer/").text

    assert old.build in before
    assert new.build in after
    assert browser.get(f"/viewer/files/{old.build}/{SCRIPT}").status_code == 404
    assert browser.get(f"/viewer/files/{new.build}/extra.js").text == "more"


def test_a_damaged_viewer_is_said_to_be_one(viewing: servers.Server, browser: httpx.Client) -> None:
    installed = install_small(viewing.data)
    installed.path("app.bundle.css", "identity").unlink()

    lost = browser.get(f"/viewer/files/{installed.build}/app.bundle.css")
    (viewing.data / "viewer" / "installed.json").write_bytes(b"{")
    broken = browser.get("/viewer/")

    for response in (lost, broken):
        assert response.status_code == 503
        assert "`hilum viewer install` installs them again" in response.text
        assert str(viewing.data) not in response.text
    install_small(viewing.data)
    assert browser.get("/viewer/").status_code == 200
