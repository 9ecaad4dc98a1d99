"""What an import is offered: files of folders, single files, members of zip archives, files of a DICOMDIR.

Only the file system is looked at here; the processes that ingest read the files.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from hilum.cli.importing.dicomdir import referenced_files

_DIRECTORY_BYTES: Final = 64 * 1024 * 1024
"""Largest central directory of a zip archive; half a million members and more."""
_RATIO_FROM_BYTES: Final = 64 * 1024 * 1024
_END_RECORD: Final = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR: Final = struct.Struct("<4sLQL")
_ZIP64_RECORD: Final = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT: Final = 65_535


@dataclass(frozen=True, slots=True)
class FileCandidate:
    """A file that may be a Part 10 object."""

    path: str
    size_bytes: int
    named: bool
    """The administrator, or a DICOMDIR, named this very file: it may be an archive under any name, or a link."""

    @property
    def label(self) -> str:
        """How reports call it; bytes of a name that are no UTF-8 are shown escaped."""
        return printable(self.path)


@dataclass(frozen=True, slots=True)
class MemberCandidate:
    """A member of a zip archive that may be a Part 10 object. Its name is shown, never used."""

    archive: str
    number: int
    """Place in the archive's directory, from 0."""
    name: str
    size_bytes: int
    """Uncompressed, as the archive announces it; reading stops there."""

    @property
    def label(self) -> str:
        """How reports call it."""
        return f"{printable(self.archive)}!{printable(self.name)}"


@dataclass(frozen=True, slots=True)
class SkippedLink:
    """A symbolic link inside a folder: what it points to is not followed."""

    path: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that was offered and cannot be looked at."""

    label: str
    reason: str


Candidate = FileCandidate | MemberCandidate
Offer = Candidate | SkippedLink | Unreadable


def printable(text: str) -> str:
    r"""Return `text` with what is no character, or would steer a terminal, escaped.

    >>> print(printable("a\udcff\x1b[31m"))
    a\udcff\x1b[31m
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def offers(path: Path, *, excluded: frozenset[tuple[int, int]]) -> Iterator[Offer]:
    """Iterate over what `path` offers: itself, the files below it, or those that it references as a DICOMDIR.

    Args:
        path: as the administrator gave it; a link is followed here, and nowhere below.
        excluded: device and inode of folders that are left out: those of the archive itself.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        yield Unreadable(printable(str(path)), _reason(error))
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _files_below(str(path), excluded)
    elif path.name.upper() == "DICOMDIR":
        yield from _referenced(path)
    else:
        yield FileCandidate(str(path), status.st_size, named=True)


def _files_below(root: str, excluded: frozenset[tuple[int, int]]) -> Iterator[Offer]:
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in excluded:
                continue
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            yield Unreadable(printable(folder), _reason(error))
            continue
        below = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            else:
                yield from _of_entry(entry)
        folders.extend(reversed(below))


def _of_entry(entry: os.DirEntry[str]) -> Iterator[Offer]:
    if entry.is_symlink():
        yield SkippedLink(entry.path)
    elif entry.is_file(follow_symlinks=False):
        try:
            size = entry.stat(follow_symlinks=False).st_size
        except OSError as error:
            yield Unreadable(printable(entry.path), _reason(error))
        else:
            yield FileCandidate(entry.path, size, named=False)


def _referenced(dicomdir: Path) -> Iterator[Offer]:
    try:
        files = referenced_files(dicomdir)
    except (OSError, ValueError) as error:
        yield Unreadable(printable(str(dicomdir)), _reason(error))
        return
    for name, file in files:
        if file is None:
            yield Unreadable(
                f"{printable(str(dicomdir))}!{printable(name)}", "The DICOMDIR names it, and it is not there."
            )
            continue
        yield FileCandidate(str(file), file.stat().st_size, named=True)


def members(archive: str, *, ratio: int) -> list[Offer]:
    """Return what the members of a zip archive offer.

    Args:
        archive: path of the archive.
        ratio: most times its own size that the archive may inflate to, from 64 MB on.
    """
    try:
        _check_directory(archive)
        with zipfile.ZipFile(archive) as opened:
            listed = opened.infolist()
        size = Path(archive).stat().st_size
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        return [Unreadable(printable(archive), _reason(error))]
    return list(_members_within(archive, listed, max(_RATIO_FROM_BYTES, ratio * size)))


def _members_within(archive: str, listed: Sequence[zipfile.ZipInfo], allowance: int) -> Iterator[Offer]:
    for number, info in enumerate(listed):
        if info.is_dir():
            continue
        member = MemberCandidate(archive, number, info.filename, info.file_size)
        allowance -= info.file_size
        if allowance < 0:
            yield Unreadable(member.label, "The archive inflates to more than `store.inflation_ratio` allows.")
            return
        yield member


def _check_directory(archive: str) -> None:
    """Refuse a central directory that would fill the memory: `zipfile` reads it whole.

    Raises:
        ValueError: it is too large, or the file is no zip archive.
    """
    with Path(archive).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END_RECORD.size - _LONGEST_COMMENT - _ZIP64_LOCATOR.size))
        tail_offset = file.tell()
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) - end < _END_RECORD.size:
            raise ValueError("It is no complete zip archive.")
        sizes = [_END_RECORD.unpack_from(tail, end)[5]]
        locator = end - _ZIP64_LOCATOR.size
        if locator >= 0 and tail.startswith(b"PK\x06\x07", locator):
            # Readers differ in whether they believe the locator or look right before it: both places count.
            places = (_ZIP64_LOCATOR.unpack_from(tail, locator)[2], tail_offset + locator - _ZIP64_RECORD.size)
            sizes = [_zip64_directory_bytes(file, min(max(place, 0), size)) for place in places]
    if max(sizes) > _DIRECTORY_BYTES:
        raise ValueError("The zip archive's directory is too large.")


def _zip64_directory_bytes(file: BinaryIO, offset: int) -> int:
    """Return the size that a zip64 end record at `offset` gives; 0 if there is none."""
    file.seek(offset)
    record = file.read(_ZIP64_RECORD.size)
    if len(record) < _ZIP64_RECORD.size or not record.startswith(b"PK\x06\x06"):
        return 0
    size: int = _ZIP64_RECORD.unpack(record)[8]
    return size


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    text = str(error)
    return text if text.endswith(".") else f"{text}."
