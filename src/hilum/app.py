"""Composition root: the only module that names concrete stores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp

from hilum.archive.archive import Archive, ArchiveUnusable, scan_limits
from hilum.archive.codec_work import CodecWork
from hilum.archive.removal import sweep_staging
from hilum.archive.transcoding.frame_results import FrameResults
from hilum.config import Settings
from hilum.dicom.searching.attribute_paths import QueryError, parse_path
from hilum.store.blobs.folder import FolderBlobs
from hilum.store.database.database import IndexUnusable
from hilum.store.database.migrating import migrate
from hilum.store.index.index import Index
from hilum.store.rows.records import DuplicatePolicy
from hilum.web.application import build_application
from hilum.web.gate.metrics import Metrics

_INDEX_LOCK: Final = "index.lock"


def prepare(settings: Settings) -> None:
    """Create what is missing, bring the index up to date, and undo what a crash left half done.

    For the parent process, while no other process uses the archive.

    Raises:
        ArchiveUnusable: the folder or the index cannot be used.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        FolderBlobs.create(blobs_folder(settings))
        Metrics.begin(settings.data / "run")
    except OSError as error:
        raise ArchiveUnusable(f"The data folder {settings.data} cannot be written: {error.strerror}.") from error
    try:
        migrate(index_url(settings), settings.data / _INDEX_LOCK)
    except IndexUnusable as error:
        raise ArchiveUnusable(str(error)) from error
    with open_archive(settings) as archive:
        sweep_staging(archive=archive)


@contextmanager
def open_archive(settings: Settings, codec_cores: frozenset[int] | None = None) -> Iterator[Archive]:
    """Open the archive that `settings` name, and close it at the end of the context.

    Args:
        settings: of this process.
        codec_cores: where codecs may run; None: where this process does.

    Raises:
        ArchiveUnusable: the index cannot be used: unreachable, not migrated, or of a newer version.
    """
    keys = _instance_keys(settings)
    folder = blobs_folder(settings)
    if not FolderBlobs.is_prepared(folder):
        raise ArchiveUnusable(f"{folder} holds no blobs of Hilum: give the blobs_url that the server has.")
    try:
        index = Index.open(
            index_url(settings),
            lock_path=settings.data / _INDEX_LOCK,
            duplicates=DuplicatePolicy(settings.store.duplicates),
            instance_keys=sorted(keys),
            scan_limit=settings.search.scan_limit,
        )
    except IndexUnusable as error:
        raise ArchiveUnusable(str(error)) from error
    try:
        blobs = FolderBlobs(folder, reserve_bytes=settings.store.reserve_bytes)
        cores = codec_cores or frozenset(os.sched_getaffinity(0))
        codecs = CodecWork(slots=settings.retrieve.codec_threads or len(cores), cores=cores)
        frame_results = FrameResults(settings.retrieve.frame_cache_bytes)
        yield Archive(settings, index, blobs, scan_limits(settings), codecs, set(), keys, frame_results)
    finally:
        index.close()


def create_app(settings: Settings, *, codec_cores: frozenset[int] | None = None) -> ASGIApp:
    """Return the ASGI application of one worker process; it opens the archive when the server starts it.

    Args:
        settings: of the server.
        codec_cores: where codecs may run; None: where this process does.
    """
    return build_application(settings, lambda: open_archive(settings, codec_cores))


def index_url(settings: Settings) -> str:
    """Return the URL of the index: the setting, else SQLite in the data folder."""
    return settings.index_url or f"sqlite:///{(settings.data / 'index.db').absolute()}"


def blobs_folder(settings: Settings) -> Path:
    """Return the folder of the blobs: the setting, else the data folder.

    Raises:
        ArchiveUnusable: the setting names no folder.
    """
    if not settings.blobs_url:
        return settings.data
    parts = urlsplit(settings.blobs_url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise ArchiveUnusable("The setting blobs_url must be of the form file:///folder.")
    return Path(unquote(parts.path))


def _instance_keys(settings: Settings) -> frozenset[str]:
    keys = set()
    for name in settings.search.instance_keys:
        try:
            path = parse_path(name)
        except QueryError as error:
            raise ArchiveUnusable(f"search.instance_keys: {name} is no attribute.") from error
        if len(path) != 1:
            raise ArchiveUnusable(f"search.instance_keys: {name} lies inside a sequence.")
        keys.add(path[0])
    return frozenset(keys)
