"""The installed viewer: files in a folder named for their content, and a record that says which folder counts.

    viewer/installed.json        the record, written last and removed first
    viewer/<build>/<name>        a file as a browser gets it
    viewer/<build>/<name>.br     the same in a content coding, where that is worth it; .gz likewise
    viewer/new-<random>          an installation that is under way, or that a crash left

A build is named by a digest of all of its files, so their URLs never stand for other bytes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import imagecodecs
import orjson

from hilum.viewer.adapting import COMPRESSED, adapted_files
from hilum.viewer.package import check_package, read_package
from hilum.viewer.release import Release

_FOLDER: Final = "viewer"
_RECORD: Final = "installed.json"
_LOCK: Final = "lock"
_UNDER_WAY: Final = "new-"
_BUILD_DIGITS: Final = 16
# Brotli and gzip at these levels: 2.7 and 3.3 MB of the largest file's 17 MB, in 2.4 and 1.1 s.
_BROTLI_LEVEL: Final = 9
_GZIP_LEVEL: Final = 9
_SMALLEST_COMPRESSED: Final = 1024
CODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""Content codings in which files are kept, the best first, and how the names of those forms end."""


class ViewerDamaged(Exception):
    """The record of the installed viewer cannot be read; the message is one sentence for the administrator."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An installed viewer."""

    folder: Path
    """Of its files."""
    package: str
    version: str
    build: str
    """Digest of all files: part of their URLs."""
    files: Mapping[str, Mapping[str, int]]
    """Bytes of each form of each file, by name and content coding; `identity` is one of them."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all files in all forms."""
        return sum(size for sizes in self.files.values() for size in sizes.values())

    def path(self, name: str, coding: str) -> Path:
        """Return where a form of a file lies."""
        return self.folder / (name + CODINGS.get(coding, ""))

    def missing(self) -> list[str]:
        """Return the names of files of which a form is not there in its length."""
        return [
            name
            for name, sizes in self.files.items()
            if any(_size(self.path(name, coding)) != size for coding, size in sizes.items())
        ]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def find_installation(data: Path) -> Installation | None:
    """Return what is installed in a data folder, None if nothing is.

    Raises:
        ViewerDamaged: the record is broken.
    """
    folder = data / _FOLDER
    try:
        text = (folder / _RECORD).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ViewerDamaged(f"The record of the viewer cannot be read: {error.strerror}.") from error
    try:
        record: dict[str, Any] = orjson.loads(text)
        build = str(record["build"])
        return Installation(folder / build, record["package"], record["version"], build, record["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ViewerDamaged("The record of the viewer is broken: install it again.") from error


def record_stamp(data: Path) -> tuple[int, int] | None:
    """Return what changes when another viewer is installed or it is removed; None while there is none."""
    try:
        status = (data / _FOLDER / _RECORD).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def install(archive: Path, release: Release, data: Path) -> Installation:
    """Install a release from its archive in the place of what was installed; return it.

    A server that runs serves it from its next request on. A crash leaves what was installed before.

    Args:
        archive: of the release; compared with its pinned digest.
        release: what to install.
        data: folder of the archive of DICOM objects.

    Raises:
        PackageRefused: the archive is not the release's.
        OSError: it cannot be read, or the data folder cannot be written.
    """
    check_package(archive, release)
    with archive.open("rb") as stream:
        return install_files(adapted_files(read_package(stream)), release, data)


def install_files(files: Iterable[tuple[str, bytes]], release: Release, data: Path) -> Installation:
    """Install the files of a viewer; return what is installed then.

    Raises:
        PackageRefused: whatever iterating over `files` raises; what was installed before stays.
        OSError: the data folder cannot be written.
    """
    folder = data / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        fresh = folder / (_UNDER_WAY + secrets.token_hex(8))
        try:
            digest = hashlib.sha256()
            sizes: dict[str, dict[str, int]] = {}
            for name, content in files:
                digest.update(f"{name}\0{len(content)}\0".encode())
                digest.update(content)
                sizes[name] = _write_forms(fresh / name, content)
            build = digest.hexdigest()[:_BUILD_DIGITS]
            _put_in_place(fresh, folder / build)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        record = {"package": release.package, "version": release.version, "build": build, "files": sizes}
        _write_record(folder, orjson.dumps(record))
        _clear(folder, keep=build)
    return Installation(folder / build, release.package, release.version, build, sizes)


def remove(data: Path) -> bool:
    """Remove the viewer; return whether there was one.

    Raises:
        OSError: the data folder cannot be written.
    """
    folder = data / _FOLDER
    if not folder.is_dir():
        return False
    with _locked(folder):
        was_there = (folder / _RECORD).exists()
        (folder / _RECORD).unlink(missing_ok=True)
        _clear(folder, keep="")
    return was_there


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait until nobody else installs or removes, then be the one who does."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_forms(path: Path, content: bytes) -> dict[str, int]:
    """Write a file and, where they are smaller, its compressed forms; return the bytes of each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    forms = {"identity": content}
    if PurePosixPath(path.name).suffix in COMPRESSED and len(content) >= _SMALLEST_COMPRESSED:
        forms["br"] = bytes(imagecodecs.brotli_encode(content, level=_BROTLI_LEVEL))
        forms["gzip"] = bytes(imagecodecs.gzip_encode(content, level=_GZIP_LEVEL))
    written = {coding: form for coding, form in forms.items() if coding == "identity" or len(form) < len(content)}
    for coding, form in written.items():
        _write(path.with_name(path.name + CODINGS.get(coding, "")), form)
    return {coding: len(form) for coding, form in written.items()}


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _put_in_place(fresh: Path, place: Path) -> None:
    """Give a complete folder its name; files of the same build that were there go away with the next clearing."""
    if place.exists():
        place.rename(place.with_name(_UNDER_WAY + secrets.token_hex(8)))
    fresh.rename(place)


def _write_record(folder: Path, content: bytes) -> None:
    fresh = folder / (_UNDER_WAY + secrets.token_hex(8))
    _write(fresh, content)
    fresh.rename(folder / _RECORD)
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(folder: Path, *, keep: str) -> None:
    """Remove every build but `keep`, and what installations left that did not end."""
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != keep:
            shutil.rmtree(entry)
        elif entry.name.startswith(_UNDER_WAY):
            entry.unlink()
