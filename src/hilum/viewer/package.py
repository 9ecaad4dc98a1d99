"""Reading the archive of an npm package: a hostile one costs bounded time and memory and writes nothing.

Nothing here depends on the checksum, which is compared before: who reads a package should not have to trust it.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from hilum.viewer.release import Release

MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
"""Most bytes of an archive without its compression; the pinned one has 205 MB."""
MAX_FILES: Final = 2000

_ROOT: Final = "package/"
_PIECE_BYTES: Final = 256 * 1024
_GZIP_WINDOW: Final = 31
# A name that no file system reads in two ways: no dot files, no parent folders, no drive, no control characters.
_NAME: Final = re.compile(r"(?:[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,127}/){0,8}[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,127}")


class PackageRefused(Exception):
    """The archive is not what it has to be; the message is one sentence for the administrator."""


def check_package(path: Path, release: Release) -> None:
    """Compare an archive with the pinned size and digest.

    Raises:
        PackageRefused: it is another one.
        OSError: it cannot be read.
    """
    if path.stat().st_size != release.size_bytes:
        raise PackageRefused(f"{path} is not {release.package} {release.version}: its size differs.")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha512").hexdigest()
    if not hmac.compare_digest(digest, release.sha512):
        raise PackageRefused(f"{path} is not {release.package} {release.version}: its SHA-512 digest differs.")


def read_package(stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of an archive, in its order; names start below `package/`.

    Args:
        stream: a tar archive in gzip.

    Raises:
        PackageRefused: it is broken, too large, holds something else than files, a name twice or a name that could
            lead out of a folder.
    """
    seen: set[str] = set()
    try:
        unpacked = io.BufferedReader(_Inflated(stream))
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                name = _checked_name(member, seen)
                content = archive.extractfile(member)
                data = content.read() if content else b""
                if len(data) != member.size:
                    raise PackageRefused("The archive of the viewer is cut short.")
                yield name, data
        # The checksum of gzip stands behind the last file.
        while unpacked.read(_PIECE_BYTES):
            pass
    except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        raise PackageRefused("The archive of the viewer is broken.") from error


def _checked_name(member: tarfile.TarInfo, seen: set[str]) -> str:
    """Return the name of a file below `package/`, and remember it.

    Raises:
        PackageRefused: as `read_package` says.
    """
    if not member.isreg() or member.issparse():
        raise PackageRefused(f"The archive of the viewer holds {member.name!a}, which is no plain file.")
    name = member.name.removeprefix(_ROOT)
    if name == member.name or _NAME.fullmatch(name) is None:
        raise PackageRefused(f"The archive of the viewer holds a file of the name {member.name!a}.")
    # Two names that differ in case alone are one on some file systems.
    if name.lower() in seen:
        raise PackageRefused(f"The archive of the viewer holds {member.name!a} twice.")
    seen.add(name.lower())
    if len(seen) > MAX_FILES:
        raise PackageRefused(f"The archive of the viewer holds more than {MAX_FILES} files.")
    return name


class _Inflated(io.RawIOBase):
    """The bytes inside gzip, up to `MAX_UNPACKED_BYTES` of them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        """Fill `buffer` as far as the next piece goes; 0 at the end.

        Raises:
            PackageRefused: there is more than the limit, or the compressed data end early.
        """
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type] # typeshed names no type for buffers here
        data = b""
        while not data and not self._inflate.eof:
            piece = self._inflate.unconsumed_tail or self._stream.read(_PIECE_BYTES)
            if not piece:
                raise PackageRefused("The archive of the viewer is cut short.")
            data = self._inflate.decompress(piece, len(view))
        self._size += len(data)
        if self._size > MAX_UNPACKED_BYTES:
            raise PackageRefused(f"The archive of the viewer unpacks to more than {MAX_UNPACKED_BYTES} bytes.")
        view[: len(data)] = data
        return len(data)
