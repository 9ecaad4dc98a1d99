"""Opening the archive from a command, whether a server uses it at the same time or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hilum.app import open_archive, prepare
from hilum.archive.archive import Archive, ArchiveUnusable
from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.server.locks import preparation, without_server
from hilum.cli.server.preflight import prepare_folder
from hilum.config import Settings


def prepare_archive(settings: Settings) -> None:
    """Create the archive or bring it up to date. Inside `preparation`, and while no server runs.

    Raises:
        CommandFailed: the folder cannot be written, or the index cannot be used.
    """
    try:
        prepare(settings)
    except ArchiveUnusable as error:
        raise CommandFailed(str(error)) from error


def prepare_beside_server(settings: Settings) -> None:
    """Do what `prepare_archive` does, unless a server runs: then it has been done.

    Raises:
        CommandFailed: the folder cannot be written, or the index cannot be used.
    """
    prepare_folder(settings.data)
    with preparation(settings.data), without_server(settings.data) as no_server:
        if no_server:
            prepare_archive(settings)


@contextmanager
def existing_archive(settings: Settings) -> Iterator[Archive]:
    """Open an archive that exists.

    Raises:
        CommandFailed: the data folder does not exist, or the index cannot be used.
    """
    if not settings.data.is_dir():
        raise CommandFailed(f"The data folder {settings.data} does not exist: give --data FOLDER.")
    try:
        with open_archive(settings) as archive:
            yield archive
    except ArchiveUnusable as error:
        raise CommandFailed(str(error)) from error
