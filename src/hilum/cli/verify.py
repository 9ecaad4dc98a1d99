"""`hilum verify`: is everything there, and is it what was stored?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from hilum.archive.integrity.verify import Finding, Repair
from hilum.archive.integrity.verify import verify as findings_of
from hilum.cli.importing.sources import printable
from hilum.cli.invocation.archives import existing_archive
from hilum.cli.invocation.failures import ExitStatus
from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run


def verify(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Index blobs that the index lost, set broken ones aside.")
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    index_url: IndexUrlOption = None,
) -> None:
    """Compare every stored object with its digest, and the index with the objects.

    Findings go to standard output, one a line. The exit status is 1 if one of them is not repaired.
    """
    settings = settings_of_run(config, {"data": data, "index_url": index_url}).settings
    console = Console(stderr=True)
    checked = unrepaired = 0
    with existing_archive(settings) as archive, console.status("Verifying") as status:

        def show(instances: int) -> None:
            nonlocal checked
            checked = instances
            status.update(f"Verifying: {instances:,} instances")

        for finding in findings_of(archive=archive, repair=Repair.YES if repair else Repair.NO, progress=show):
            typer.echo(_line(finding))
            unrepaired += not finding.repaired
    typer.echo(f"{checked:,} instances checked, {unrepaired:,} findings not repaired.", err=True)
    if unrepaired:
        raise typer.Exit(ExitStatus.INCOMPLETE)


def _line(finding: Finding) -> str:
    # What asks for no repair counts as repaired; to say so of it would confuse.
    repaired = " (repaired)" if finding.repaired and finding.kind != "contradiction" else ""
    return f"{finding.kind}: {printable(finding.subject)}: {printable(finding.text)}{repaired}"
