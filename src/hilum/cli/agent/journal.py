"""What was sent already, kept in a file, so that an interrupted transfer goes on where it was."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import IO, Self

from hilum.cli.importing.sources import FileCandidate
from hilum.cli.invocation.failures import CommandFailed

_Entry = tuple[str, int, int]


class Journal:
    """The files that a server has acknowledged, by path, size and time; safe for many threads."""

    def __init__(self, file: IO[str] | None, entries: set[_Entry]) -> None:
        """Go on in `file`, which may be None: then nothing is kept."""
        self._file = file
        self._entries = entries
        self._lock = threading.Lock()

    @classmethod
    def opened(cls, path: Path | None) -> Self:
        """Return the journal at `path`; a last line that was cut off is passed over.

        Raises:
            CommandFailed: it cannot be read or written, or is none.
        """
        if path is None:
            return cls(None, set())
        entries: set[_Entry] = set()
        try:
            if path.exists():
                for line in path.read_text(encoding="utf-8").splitlines():
                    name, size, time_ns = json.loads(line)
                    entries.add((str(name), int(size), int(time_ns)))
            file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise CommandFailed(f"The journal {path} cannot be used: {error.strerror}.") from error
        except (ValueError, TypeError) as error:
            raise CommandFailed(f"{path} is no journal of hilum send.") from error
        return cls(file, entries)

    def has(self, candidate: FileCandidate) -> bool:
        """Say whether exactly this file was acknowledged before."""
        return bool(self._entries) and _entry(candidate) in self._entries

    def add(self, candidate: FileCandidate) -> None:
        """Note that a file was acknowledged."""
        if self._file is not None:
            with self._lock:
                self._file.write(json.dumps(_entry(candidate)) + "\n")
                self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def _entry(candidate: FileCandidate) -> _Entry:
    path = Path(candidate.path).absolute()
    try:
        status = path.stat()
    except OSError:
        return str(path), candidate.size_bytes, 0
    return str(path), status.st_size, status.st_mtime_ns
