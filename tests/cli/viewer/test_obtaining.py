from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.viewer.obtaining import obtain
from hilum.viewer.release import Release
from viewer_packages import FILES, packed, release_of


@pytest.fixture
def release() -> Release:
    return release_of(packed(FILES), "1.2.3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.fixture
def registry(tmp_path: Path, release: Release) -> Iterator[str]:
    """Serve the release's archive where a registry has it; yield the registry's URL."""
    place = tmp_path / "registry" / release.path
    place.parent.mkdir(parents=True)
    place.write_bytes(packed(FILES))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "registry"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def program(folder: Path, text: str) -> str:
    """Write a program named npm; return a PATH that has it first."""
    path = folder / "bin" / "npm"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"{path.parent}:/usr/bin:/bin"


def test_the_npm_client_fetches_the_release_and_runs_nothing_of_it(
    tmp_path: Path, folder: Path, release: Release
) -> None:
    path = program(tmp_path, f'echo "$@" > {tmp_path}/asked; echo archive > "$4/{release.file_name}"')

    found = obtain(release, folder, {"PATH": path})

    assert found.read_text() == "archive\n"
    asked = (tmp_path / "asked").read_text().split()
    assert asked == [
        "pack", "@ohif/app@1.2.3", "--pack-destination", str(folder), "--ignore-scripts", "--loglevel=error"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("echo 'npm error 404' >&2; exit 1", "npm error 404"), ("exit 0", "did not write ohif-app-1.2.3.tgz")],
)
def test_what_the_npm_client_complains_of_is_told(
    tmp_path: Path, folder: Path, release: Release, text: str, complaint: str
) -> None:
    with pytest.raises(CommandFailed, match=complaint):
        obtain(release, folder, {"PATH": program(tmp_path, text)})


def test_without_the_npm_client_the_registry_is_asked(
    tmp_path: Path, folder: Path, release: Release, registry: str
) -> None:
    found = obtain(release, folder, {"PATH": str(tmp_path), "NPM_CONFIG_REGISTRY": registry})

    assert found.read_bytes() == packed(FILES)


def test_a_registry_without_the_release_is_named(tmp_path: Path, folder: Path, registry: str) -> None:
    other = release_of(b"", "9.9.9")

    with pytest.raises(CommandFailed, match=r"app-9\.9\.9\.tgz.*--from FILE"):
        obtain(other, folder, {"PATH": str(tmp_path), "npm_config_registry": registry})


def test_a_download_that_is_too_large_is_given_up(
    tmp_path: Path, folder: Path, registry: str, release: Release
) -> None:
    small = Release(release.package, release.version, 10, "")

    with pytest.raises(CommandFailed, match="larger than the release"):
        obtain(small, folder, {"PATH": str(tmp_path), "NPM_CONFIG_REGISTRY": registry})
