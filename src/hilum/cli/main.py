"""The command `hilum`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from hilum.cli.agent.get import get
from hilum.cli.agent.send import send
from hilum.cli.checking.command import check
from hilum.cli.config import config
from hilum.cli.conformance import conformance
from hilum.cli.export import export
from hilum.cli.imports import import_objects
from hilum.cli.invocation.failures import CommandFailed, ExitStatus
from hilum.cli.manifest import manifest
from hilum.cli.palettes import palettes
from hilum.cli.serve import serve
from hilum.cli.trash import delete, restore
from hilum.cli.verify import verify
from hilum.cli.viewer.commands import viewer
from hilum.cli.worklist.commands import worklist
from hilum.errors import TransactionError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve)
app.command("import")(import_objects)
app.command()(export)
app.command()(delete)
app.command()(restore)
app.command()(verify)
app.command()(config)
app.add_typer(worklist, name="worklist")
app.command()(send)
app.command()(get)
app.add_typer(viewer, name="viewer")
app.command()(palettes)
app.command()(conformance)
app.command()(check)
app.command()(manifest)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the flag's value
    if wanted:
        typer.echo(f"hilum {version('hilum')}")
        raise typer.Exit


@app.callback()
def _hilum(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hilum, a DICOMweb origin server (DICOM PS3.18)."""


def main() -> None:
    """Run the command line; the exit status is one of `ExitStatus`."""
    # Patients' data are nobody else's on this machine.
    os.umask(os.umask(0o027) | 0o027)
    try:
        app()
    except (CommandFailed, TransactionError) as error:
        typer.echo(f"hilum: {error}", err=True)
        sys.exit(ExitStatus.REFUSED)
    except KeyboardInterrupt:
        sys.exit(ExitStatus.INTERRUPTED)


if __name__ == "__main__":
    main()
