"""`hilum viewer install|status|remove`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.invocation.failures import CommandFailed, ExitStatus
from hilum.cli.invocation.options import ConfigOption, DataOption, settings_of_run
from hilum.cli.viewer.obtaining import obtain
from hilum.viewer import installation
from hilum.viewer.installation import Installation, ViewerDamaged, find_installation
from hilum.viewer.package import PackageRefused
from hilum.viewer.release import OHIF

viewer = typer.Typer(no_args_is_help=True, help="The OHIF viewer, installed into the data folder and served by Hilum.")

FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help=f"Archive of the release ({OHIF.file_name}), for machines offline."),
]


@viewer.command()
def install(*, archive: FromOption = None, data: DataOption = None, config: ConfigOption = None) -> None:
    """Install the OHIF viewer from the npm registry or from a file; a running server serves it at once."""
    folder = settings_of_run(config, {"data": data}).settings.data
    try:
        if archive is not None:
            installed = installation.install(archive, OHIF, folder)
        else:
            with tempfile.TemporaryDirectory(prefix="hilum-viewer-") as downloads:
                typer.echo(f"Getting {OHIF.package} {OHIF.version} ({OHIF.size_bytes / 1e6:.0f} MB).")
                installed = installation.install(obtain(OHIF, Path(downloads), os.environ), OHIF, folder)
    except PackageRefused as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandFailed(_unusable(error, folder)) from error
    typer.echo(f"Installed {_described(installed)}.")


@viewer.command()
def status(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """Say which viewer is installed and whether it is complete; the exit status is 1 if it is not."""
    folder = settings_of_run(config, {"data": data}).settings.data
    try:
        installed = find_installation(folder)
    except ViewerDamaged as error:
        typer.echo(str(error))
        raise typer.Exit(ExitStatus.INCOMPLETE) from error
    if installed is None:
        typer.echo("No viewer is installed: `hilum viewer install` installs one.")
        raise typer.Exit(ExitStatus.INCOMPLETE)
    typer.echo(f"Installed: {_described(installed)}.")
    missing = installed.missing()
    if missing:
        typer.echo(f"Files are missing or cut, such as {missing[0]}: `hilum viewer install` repairs that.")
        raise typer.Exit(ExitStatus.INCOMPLETE)
    if installed.version != OHIF.version:
        typer.echo(f"This version of Hilum installs {OHIF.version}: `hilum viewer install` updates it.")


@viewer.command()
def remove(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """Remove the installed viewer; studies are left alone."""
    folder = settings_of_run(config, {"data": data}).settings.data
    try:
        was_there = installation.remove(folder)
    except OSError as error:
        raise CommandFailed(_unusable(error, folder)) from error
    typer.echo("The viewer is removed." if was_there else "No viewer was installed.")


def _described(installed: Installation) -> str:
    return (
        f"{installed.package} {installed.version}, build {installed.build}, "
        f"{len(installed.files):,} files, {installed.size_bytes / 1e6:.0f} MB, in {installed.folder}"
    )


def _unusable(error: OSError, folder: Path) -> str:
    return f"{error.filename or folder} cannot be used: {error.strerror}."
