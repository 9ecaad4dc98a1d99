"""Reading one candidate into staging, as far as it is DICOM, and never more than the limits allow."""

from __future__ import annotations

import os
import stat
import threading
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum
from typing import IO, Final, Self

from hilum.cli.importing.sources import Candidate, FileCandidate, MemberCandidate
from hilum.store.blobs.protocol import BlobStore, Staged

_AT_ONCE_BYTES: Final = 8 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_HEAD_BYTES: Final = 1024
_PREAMBLE_BYTES: Final = 128
_MEDIA_STORAGE_DIRECTORY: Final = b"1.2.840.10008.1.3.10"
_READABLE_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
"""LZMA is left out: its dictionary takes as much memory as the archive says."""


class NotTaken(Enum):
    """Why a candidate that could be read is no object."""

    NOT_DICOM = "no DICOM"
    DIRECTORY = "DICOMDIR"
    ARCHIVE = "archive"
    """A zip archive: its members are candidates."""


class CandidateUnreadable(Exception):
    """The candidate cannot be read; the message says why in one sentence."""


class CandidateReader(AbstractContextManager["CandidateReader"]):
    """Reads candidates for several threads, and keeps the zip archive open that was used last."""

    def __init__(self, blobs: BlobStore, *, max_object_bytes: int) -> None:
        """Stage into `blobs` what is at most `max_object_bytes` long."""
        self._blobs = blobs
        self._max_object_bytes = max_object_bytes
        self._lock = threading.Lock()
        self._archive: zipfile.ZipFile | None = None

    def stage(self, candidate: Candidate) -> Staged | NotTaken:
        """Return the staged bytes of `candidate`, or why it is no object.

        Raises:
            CandidateUnreadable: it cannot be read, or is longer than allowed.
            OutOfResources: the storage is full.
        """
        self._check_size(candidate.size_bytes)
        try:
            if isinstance(candidate, FileCandidate):
                return self._stage_file(candidate)
            return self._stage_member(candidate)
        except OSError as error:
            raise CandidateUnreadable(f"{error.strerror or error}.") from error

    def close(self) -> None:
        """Close the archive that is open."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        self.close()

    def _stage_file(self, candidate: FileCandidate) -> Staged | NotTaken:
        # Without blocking: a pipe that took the file's place would never answer.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if candidate.named else os.O_NOFOLLOW)
        descriptor = os.open(candidate.path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise CandidateUnreadable("It is no regular file.")
            first = min(status.st_size, _AT_ONCE_BYTES)
            return self._staged(lambda count: os.read(descriptor, count), first, candidate)
        finally:
            os.close(descriptor)

    def _stage_member(self, candidate: MemberCandidate) -> Staged | NotTaken:
        try:
            with self._opened(candidate) as member:
                return self._staged(member.read, min(candidate.size_bytes, _AT_ONCE_BYTES), candidate)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, IndexError) as error:
            # RuntimeError: the member is encrypted. IndexError: the archive changed since it was listed.
            raise CandidateUnreadable("The zip archive's member cannot be read.") from error

    def _opened(self, candidate: MemberCandidate) -> IO[bytes]:
        with self._lock:
            archive = self._archive
            if archive is None or archive.filename != candidate.archive:
                # The other threads read members of the same batch, so of the same archive or the one before:
                # a member keeps the file of its archive open, whatever happens to the archive.
                self.close()
                archive = self._archive = zipfile.ZipFile(candidate.archive)
            info = archive.infolist()[candidate.number]
            if info.file_size != candidate.size_bytes or info.compress_type not in _READABLE_METHODS:
                raise CandidateUnreadable("The zip archive's member is compressed in a way that is not read.")
            return archive.open(info)

    def _staged(self, read: Callable[[int], bytes], first: int, candidate: Candidate) -> Staged | NotTaken:
        data = read(_HEAD_BYTES)
        refusal = _refusal(data, candidate)
        if refusal is not None:
            return refusal
        # One write of a whole object saves reading it back: what staging wrote at once it still holds.
        data += read(max(first - len(data), 0))
        staged = self._blobs.stage()
        try:
            while data:
                staged.write(data)
                # A file may grow while it is read.
                self._check_size(staged.size)
                data = read(_CHUNK_BYTES)
        except BaseException:
            staged.discard()
            raise
        return staged

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_object_bytes:
            raise CandidateUnreadable("It is larger than `http.max_object_bytes` allows.")


def _refusal(data: bytes, candidate: Candidate) -> NotTaken | None:
    """Return why `data`, the start of a candidate, is no object; None if it is one.

    Source: PS3.10 7.1.
    """
    if data[_PREAMBLE_BYTES : _PREAMBLE_BYTES + 4] != b"DICM":
        if isinstance(candidate, FileCandidate) and data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return (
                NotTaken.ARCHIVE if candidate.named or candidate.path.lower().endswith(".zip") else NotTaken.NOT_DICOM
            )
        return NotTaken.NOT_DICOM
    at = data.find(b"\x02\x00\x02\x00UI")
    if at >= 0 and data[at + 8 :].startswith(_MEDIA_STORAGE_DIRECTORY):
        return NotTaken.DIRECTORY
    return None
