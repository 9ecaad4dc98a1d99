"""The files that a DICOMDIR references."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataset import Dataset

_LARGEST_BYTES: Final = 256 * 1024 * 1024


def referenced_files(dicomdir: Path) -> list[tuple[str, Path | None]]:
    """Return each file that `dicomdir` references, once, in the order of its records.

    A file is only looked for inside the folder of the DICOMDIR. Names that differ in case alone are found
    too: file systems that keep copies of discs often change it.

    Returns:
        The File ID as text and the file; None where the folder holds no such file.

    Raises:
        OSError: the DICOMDIR cannot be read.
        ValueError: it is none.

    Source: PS3.3 F.3.2.2 (Referenced File ID), PS3.10 8.5.
    """
    if dicomdir.stat().st_size > _LARGEST_BYTES:
        raise ValueError("The DICOMDIR is too large.")
    root = Path(os.path.realpath(dicomdir.parent))
    names = dict.fromkeys(_file_ids(dicomdir))
    return [("/".join(name), _found(root, name)) for name in names]


def _file_ids(dicomdir: Path) -> Iterator[tuple[str, ...]]:
    try:
        records: Sequence[Dataset] = dcmread(dicomdir).get("DirectoryRecordSequence", None) or ()
        ids = [record.get("ReferencedFileID", None) for record in records]
    except OSError:
        raise
    except Exception as error:  # pydicom raises whatever a malformed data set makes it trip over
        raise ValueError("The DICOMDIR cannot be read as DICOM.") from error
    for value in ids:
        if value:
            yield (value,) if isinstance(value, str) else tuple(map(str, value))


def _found(root: Path, name: tuple[str, ...]) -> Path | None:
    path = root
    for component in name:
        if component in {"", ".", ".."} or "/" in component or "\0" in component:
            return None
        entry = _entry(path, component)
        if entry is None:
            return None
        path = entry
    real = Path(os.path.realpath(path))
    return real if real.is_relative_to(root) and real.is_file() else None


def _entry(folder: Path, name: str) -> Path | None:
    exact = folder / name
    if exact.exists():
        return exact
    try:
        with os.scandir(folder) as entries:
            alike = sorted(entry.name for entry in entries if entry.name.casefold() == name.casefold())
    except OSError:
        return None
    return folder / alike[0] if alike else None
