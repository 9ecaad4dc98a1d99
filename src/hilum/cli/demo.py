"""Sample objects for a first look: those that come with pydicom, and its color palettes."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from hilum.app import open_archive
from hilum.archive.ingest import ingest
from hilum.cli.importing.reading import CandidateReader, CandidateUnreadable, NotTaken
from hilum.cli.importing.sources import FileCandidate, offers
from hilum.cli.palettes import load_palettes
from hilum.config import Settings


def load_samples(settings: Settings) -> int:
    """Store the samples that are no instances of the archive yet; return how many samples it has now.

    Some of them are broken on purpose, and are left out.

    Raises:
        OutOfResources: the storage is full.
    """
    with open_archive(settings) as archive:
        load_palettes(archive)
    with as_file(files("pydicom") / "data" / "test_files") as folder:
        return load_folder(folder, settings)


def load_folder(folder: Path, settings: Settings) -> int:
    """Store the objects below `folder` one after the other, in this process; return how many were taken.

    Raises:
        OutOfResources: the storage is full.
    """
    with (
        open_archive(settings) as archive,
        CandidateReader(archive.blobs, max_object_bytes=settings.http.max_object_bytes) as reader,
    ):
        candidates = [offer for offer in offers(folder, excluded=frozenset()) if isinstance(offer, FileCandidate)]
        loaded = 0
        for candidate in candidates:
            try:
                staged = reader.stage(candidate)
            except CandidateUnreadable:
                continue
            if not isinstance(staged, NotTaken):
                loaded += ingest(staged, archive=archive).failure is None
    return loaded
