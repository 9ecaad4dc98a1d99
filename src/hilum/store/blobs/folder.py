"""Blobs as files of one folder on a local or mounted file system.

    blobs/<last three digits of the id>/<id>.<part>     durable parts
    staging/<id>                                        received, not known to be indexed
    staging/<id>.<part>                                 a part that is being written

A staged object and its blob are one file with two names: the staging name goes away once the index knows the
blob, so what a crash left unfinished can be told from what the index lost.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from hilum.errors import OutOfResources
from hilum.store.blobs.protocol import Part, Staged, new_blob_id
from hilum.store.blobs.space import full_is_out_of_resources

_FAN_OUT_DIGITS: Final = 3
_IN_MEMORY: Final = 8 * 1024 * 1024
_PARTS: Final = {part.value: part for part in Part}
_COPY_BYTES: Final = 1024 * 1024


class StagedFile:
    """One object that is being received into the staging folder."""

    def __init__(self, blob_id: str, path: Path, blobs: FolderBlobs) -> None:
        """Create the staging file."""
        self.blob_id = blob_id
        self.path = path
        self._blobs = blobs
        self._size = 0
        self._only_write: bytes | None = None
        with full_is_out_of_resources():
            self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`.

        Raises:
            OutOfResources: the storage is full, or less than the reserve would be left.
        """
        self._blobs.check_reserve(len(data))
        view = memoryview(data)
        with full_is_out_of_resources():
            while view.nbytes:
                view = view[os.write(self._descriptor, view) :]
        whole = isinstance(data, bytes) and self._size == 0 and len(data) <= _IN_MEMORY
        self._only_write = data if whole and isinstance(data, bytes) else None
        self._size += len(data)

    def buffer(self) -> bytes | memoryview:
        """Return all that was written: the bytes themselves, or a view of a read-only mapping of the file."""
        if self._only_write is not None:
            return self._only_write
        if self._size == 0:
            return b""
        return memoryview(mmap.mmap(self._descriptor, self._size, prot=mmap.PROT_READ))

    def sync(self) -> None:
        """Make the bytes durable."""
        with full_is_out_of_resources():
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the file and the bytes; the staging entry stays."""
        self._only_write = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Forget the object, and the blob and its sidecars if it was published already."""
        self.close()
        for part in Part:
            self._blobs.delete(self.blob_id, part)
        self.path.unlink(missing_ok=True)


class FolderBlobs:
    """The blob store in a folder; safe for many threads and processes at once."""

    def __init__(self, folder: Path, *, reserve_bytes: int = 0) -> None:
        """Use `folder`, which `create` has prepared.

        Args:
            folder: holds `blobs/` and `staging/`.
            reserve_bytes: free space that new objects must leave.
        """
        self._blobs = folder / "blobs"
        self._blobs_text = str(self._blobs)
        self._staging = folder / "staging"
        self._reserve_bytes = reserve_bytes

    @staticmethod
    def create(folder: Path) -> None:
        """Create the folders; all of the fan-out at once, so that no object waits for a new folder to be durable."""
        (folder / "staging").mkdir(parents=True, exist_ok=True)
        for number in range(16**_FAN_OUT_DIGITS):
            (folder / "blobs" / f"{number:0{_FAN_OUT_DIGITS}x}").mkdir(parents=True, exist_ok=True)
        _sync_folder(folder / "blobs")
        _sync_folder(folder)

    @staticmethod
    def is_prepared(folder: Path) -> bool:
        """Say whether `create` has prepared the folder."""
        return (folder / "blobs").is_dir() and (folder / "staging").is_dir()

    def check_reserve(self, wanted: int) -> None:
        """Raise OutOfResources if `wanted` more bytes would touch the reserve."""
        status = os.statvfs(self._staging)
        if status.f_bavail * status.f_frsize - wanted < self._reserve_bytes:
            raise OutOfResources("The storage of this origin server is full.")

    def stage(self) -> StagedFile:
        """Return a new, empty staged object under a fresh blob id."""
        blob_id = new_blob_id()
        return StagedFile(blob_id, self._staging / blob_id, self)

    def open_spool(self) -> BinaryIO:
        """Return a temporary file of the staging folder; it has no name and goes with its last handle."""
        with full_is_out_of_resources():
            descriptor = os.open(self._staging, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "w+b")

    def publish(self, staged: Staged) -> None:
        """Make the staged bytes durable as the object of its blob id.

        The second name comes before the flush: one journal commit then covers both.
        """
        target = self._path(staged.blob_id, Part.OBJECT)
        with full_is_out_of_resources():
            os.link(staged.path, target)
            staged.sync()
            _sync_folder(target.parent)

    def settle(self, staged: Staged) -> None:
        """Drop the staging entry: the index knows the blob now."""
        staged.close()
        staged.path.unlink(missing_ok=True)

    def put(self, blob_id: str, part: Part, data: BinaryIO | bytes) -> None:
        """Store a part durably; an existing one is replaced."""
        # The random end keeps two who write the same part apart; the later one wins, whole.
        draft = self._staging / f"{blob_id}.{part.value}.{secrets.token_hex(4)}"
        target = self._path(blob_id, part)
        with full_is_out_of_resources():
            try:
                with draft.open("wb") as file:
                    if isinstance(data, bytes):
                        file.write(data)
                    else:
                        shutil.copyfileobj(data, file, _COPY_BYTES)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(target)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)

    def size(self, blob_id: str, part: Part) -> int | None:
        """Return the part's size in bytes, None if there is no such part."""
        try:
            return self._path(blob_id, part).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, blob_id: str, part: Part, offset: int, length: int) -> bytes:
        """Return the half-open range of the part; shorter only at its end.

        Raises:
            FileNotFoundError: there is no such part.
        """
        # Text, not a Path: this is what every frame and every object comes through.
        name = f"{self._blobs_text}/{blob_id[-_FAN_OUT_DIGITS:]}/{blob_id}.{part.value}"
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def buffer(self, blob_id: str) -> bytes | memoryview:
        """Return a view of a read-only mapping of the object.

        Raises:
            FileNotFoundError: there is no such object.
        """
        with self._path(blob_id, Part.OBJECT).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return memoryview(mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)) if size else b""

    def delete(self, blob_id: str, part: Part) -> None:
        """Remove a part; one that does not exist is no error."""
        self._path(blob_id, part).unlink(missing_ok=True)

    def parts(self) -> Iterator[tuple[str, Part, float]]:
        """Iterate over all parts: blob id, part, seconds since the epoch of its writing; those of a blob together."""
        with os.scandir(self._blobs) as folders:
            names = sorted(entry.name for entry in folders)
        for name in names:
            with os.scandir(self._blobs / name) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
            for entry in found:
                blob_id, _, kind = entry.name.partition(".")
                part = _PARTS.get(kind)
                with contextlib.suppress(FileNotFoundError):
                    if part is not None:
                        yield blob_id, part, entry.stat().st_mtime

    def unsettled(self) -> Iterator[tuple[str, float]]:
        """Iterate over blob ids with a staging entry, with the seconds since the epoch of its last writing."""
        with os.scandir(self._staging) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if "." not in entry.name:
                        yield entry.name, entry.stat().st_mtime

    def settle_id(self, blob_id: str) -> None:
        """Drop the staging entry of a blob id, whoever left it."""
        (self._staging / blob_id).unlink(missing_ok=True)

    def drop_drafts(self, before: float) -> int:
        """Remove drafts of parts that were last written before that time."""
        dropped = 0
        with os.scandir(self._staging) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if "." in entry.name and entry.stat().st_mtime <= before:
                        Path(entry.path).unlink()
                        dropped += 1
        return dropped

    def _path(self, blob_id: str, part: Part) -> Path:
        return self._blobs / blob_id[-_FAN_OUT_DIGITS:] / f"{blob_id}.{part.value}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
