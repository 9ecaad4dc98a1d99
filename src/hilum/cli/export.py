"""`hilum export`: the stored bytes of studies, series and instances as files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from hilum.archive.archive import Archive
from hilum.archive.file_names import file_of
from hilum.archive.objects import stored_bytes
from hilum.cli.invocation.archives import existing_archive
from hilum.cli.invocation.failures import CommandFailed, ExitStatus
from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run
from hilum.cli.invocation.targets import UidsArgument, instances_of, live_target
from hilum.errors import TransactionError
from hilum.store.rows.records import StoredInstance


class _Written(Enum):
    """What became of one file."""

    NEW = "written"
    SAME = "were there already"
    OCCUPIED = "not written, since another file has the name"
    UNREADABLE = "could not be read from the archive"


def export(
    uids: UidsArgument,
    *,
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the files go.")],
    data: DataOption = None,
    config: ConfigOption = None,
    index_url: IndexUrlOption = None,
) -> None:
    """Write the stored bytes of studies, series or instances as FOLDER/STUDY/SERIES/INSTANCE.dcm.

    A file that is there already is never replaced. The exit status is 1 if anything could not be written.
    """
    settings = settings_of_run(config, {"data": data, "index_url": index_url}).settings
    counts = dict.fromkeys(_Written, 0)
    unknown = 0
    with existing_archive(settings) as archive:
        for uid in uids:
            try:
                instances = instances_of(live_target(uid, archive=archive), archive=archive)
            except TransactionError as error:
                typer.echo(f"hilum: {error}", err=True)
                unknown += 1
                continue
            for instance in instances:
                counts[_export(instance, folder, archive)] += 1
    typer.echo(", ".join(f"{count:,} {what.value}" for what, count in counts.items() if count or what is _Written.NEW))
    if unknown or counts[_Written.OCCUPIED] or counts[_Written.UNREADABLE]:
        raise typer.Exit(ExitStatus.INCOMPLETE)


def _export(instance: StoredInstance, folder: Path, archive: Archive) -> _Written:
    target = folder / file_of(instance)
    written = _write(target, instance, archive)
    if written is _Written.OCCUPIED:
        typer.echo(f"hilum: {target} exists with other content; it stays as it is.", err=True)
    elif written is _Written.UNREADABLE:
        typer.echo(f"hilum: {instance.sop_instance_uid} cannot be read: run hilum verify.", err=True)
    return written


def _write(target: Path, instance: StoredInstance, archive: Archive) -> _Written:
    try:
        first, chunks = _started(stored_bytes(instance, archive=archive))
    except FileNotFoundError:
        return _Written.UNREADABLE
    try:
        if os.path.lexists(target):
            return _Written.SAME if _equal(target, first, chunks) else _Written.OCCUPIED
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_new(target, first, chunks)
    except FileNotFoundError:
        # The target's folder was just made: it is the blob that ends early.
        return _Written.UNREADABLE
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror}.") from error
    return _Written.NEW


def _started(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Read the first chunk: afterwards an error is one of the target's side."""
    return next(chunks, b""), chunks


def _write_new(target: Path, first: bytes, chunks: Iterator[bytes]) -> None:
    """Write a file under a temporary name and give it its own once it is whole and durable."""
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".hilum-", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(first)
            file.writelines(chunks)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.fsync(file.fileno())
        Path(draft).rename(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _equal(target: Path, first: bytes, chunks: Iterator[bytes]) -> bool:
    if not target.is_file():
        return False
    with target.open("rb") as file:
        if file.read(len(first)) != first:
            return False
        return all(file.read(len(chunk)) == chunk for chunk in chunks) and not file.read(1)
