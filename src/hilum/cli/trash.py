"""`hilum delete` and `hilum restore`: to the trash and back."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hilum.archive import removal
from hilum.archive.archive import Archive
from hilum.cli.invocation.archives import existing_archive
from hilum.cli.invocation.failures import ExitStatus
from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run
from hilum.cli.invocation.targets import UidsArgument, live_target, trashed_target
from hilum.errors import TransactionError


def delete(
    uids: UidsArgument, *, data: DataOption = None, config: ConfigOption = None, index_url: IndexUrlOption = None
) -> None:
    """Move studies, series or instances to the trash; it is emptied after `trash.keep_days`."""
    settings = settings_of_run(config, {"data": data, "index_url": index_url}).settings
    with existing_archive(settings) as archive:
        _each(uids, archive, _delete, "moved to the trash")


def restore(
    uids: UidsArgument, *, data: DataOption = None, config: ConfigOption = None, index_url: IndexUrlOption = None
) -> None:
    """Bring studies, series or instances back from the trash."""
    settings = settings_of_run(config, {"data": data, "index_url": index_url}).settings
    with existing_archive(settings) as archive:
        _each(uids, archive, _restore, "restored")


def _delete(uid: str, archive: Archive) -> int:
    return removal.delete(live_target(uid, archive=archive), archive=archive)


def _restore(uid: str, archive: Archive) -> int:
    return removal.restore(trashed_target(uid, archive=archive), archive=archive)


def _each(uids: list[str], archive: Archive, move: Callable[[str, Archive], int], done: str) -> None:
    failed = 0
    for uid in uids:
        try:
            moved = move(uid, archive)
        except TransactionError as error:
            typer.echo(f"hilum: {error}", err=True)
            failed += 1
        else:
            # Nothing moves where the UIDs are live again, or the objects are broken.
            failed += moved == 0
            typer.echo(f"{uid}: {moved:,} instance{'' if moved == 1 else 's'} {done}.")
    if failed:
        raise typer.Exit(ExitStatus.INCOMPLETE)
