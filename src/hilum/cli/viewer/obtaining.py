"""Getting the archive of a release: with the npm client, or straight from the registry that npm is set up for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from hilum.cli.invocation.failures import CommandFailed
from hilum.viewer.release import Release

_REGISTRY: Final = "https://registry.npmjs.org/"
_REGISTRY_VARIABLES: Final = ("NPM_CONFIG_REGISTRY", "npm_config_registry")
_NPM_TIMEOUT_S: Final = 600
_READ_TIMEOUT_S: Final = 60.0
_COMPLAINT_CHARACTERS: Final = 300


def obtain(release: Release, folder: Path, environment: Mapping[str, str]) -> Path:
    """Put the archive of a release into a folder; return its path. What came is not checked here.

    Args:
        release: which one.
        folder: empty, for the archive alone.
        environment: of the process: the npm client is looked for on its PATH, else the registry in its variables.

    Raises:
        CommandFailed: it cannot be had.
    """
    npm = shutil.which("npm", path=environment.get("PATH", os.defpath))
    path = folder / release.file_name
    if npm is not None:
        _pack(npm, release, folder, environment)
        if not path.is_file():
            raise CommandFailed(f"The npm client did not write {release.file_name}.")
    else:
        registry = next((environment[name] for name in _REGISTRY_VARIABLES if environment.get(name)), _REGISTRY)
        _download(f"{registry.rstrip('/')}/{release.path}", path, release.size_bytes)
    return path


def _pack(npm: str, release: Release, folder: Path, environment: Mapping[str, str]) -> None:
    name = f"{release.package}@{release.version}"
    # Nothing of the package is run: it is only fetched.
    command = [npm, "pack", name, "--pack-destination", str(folder), "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(  # noqa: S603 - the npm client of this machine, on a name that is ours
            command,
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_NPM_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"The npm client did not get {name} in {_NPM_TIMEOUT_S} seconds.") from error
    except OSError as error:
        raise CommandFailed(f"The npm client cannot be started: {error.strerror}.") from error
    if done.returncode != 0:
        complaint = " ".join(done.stderr.decode(errors="replace").split())[:_COMPLAINT_CHARACTERS]
        raise CommandFailed(f"The npm client could not get {name}: {complaint}")


def _download(url: str, path: Path, size_bytes: int) -> None:
    """Write what a URL gives to a file, and stop when it is more than the release has."""
    try:
        with (
            httpx.stream("GET", url, timeout=_READ_TIMEOUT_S, follow_redirects=True) as response,
            path.open("xb") as stream,
        ):
            response.raise_for_status()
            for piece in response.iter_bytes():
                stream.write(piece)
                if stream.tell() > size_bytes:
                    raise CommandFailed(f"{url} is larger than the release of the viewer.")
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise CommandFailed(f"{url} answers {status}: give an archive of the viewer by --from FILE.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandFailed(f"{url} cannot be reached ({error}): give an archive by --from FILE.") from error
