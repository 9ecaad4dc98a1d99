"""`hilum import`: files of folders, single files, zip archives and DICOMDIRs into the archive."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from hilum.cli.importing.progress import FileCount, progress
from hilum.cli.importing.run import ImportRun, archive_folders
from hilum.cli.importing.tally import Tally
from hilum.cli.invocation.archives import prepare_beside_server
from hilum.cli.invocation.failures import CommandFailed, ExitStatus
from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run


def import_objects(  # noqa: PLR0913 - a command's parameters are its options
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders, files, zip archives, DICOMDIRs.")],
    *,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write counts and every failure as JSON.")] = None,
    processes: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
    data: DataOption = None,
    config: ConfigOption = None,
    index_url: IndexUrlOption = None,
) -> None:
    """Import objects; what is no DICOM is skipped.

    It may run beside a server, be repeated (what is stored already stays), and be interrupted: Ctrl-C finishes
    what is in flight. The exit status is 1 if anything failed.
    """
    settings = settings_of_run(config, {"data": data, "index_url": index_url}).settings
    if report is not None and not report.absolute().parent.is_dir():
        raise CommandFailed(f"The folder of the report {report} does not exist.")
    prepare_beside_server(settings)
    console = Console(stderr=True)
    with closing(Tally.empty()) as tally:
        run = ImportRun(paths, settings, tally, processes=processes or len(os.sched_getaffinity(0)))
        count = FileCount(paths, archive_folders(settings))
        with _interrupts_stop(run), progress(console, tally, count, run) as show:
            run.run(show)
        _print_outcome(console, tally, run)
        if report is not None:
            tally.write_report(report, interrupted=run.ended_early)
    if run.ended_early == _INTERRUPTED:
        raise typer.Exit(ExitStatus.INTERRUPTED)
    raise typer.Exit(ExitStatus.INCOMPLETE if tally.failed or run.ended_early else ExitStatus.SUCCESS)


_INTERRUPTED = "It was interrupted; run it again to go on."


@contextmanager
def _interrupts_stop(run: ImportRun) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the import in good order; the second one ends it at once."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if run.ended_early:
            raise KeyboardInterrupt
        run.stop(_INTERRUPTED)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_outcome(console: Console, tally: Tally, run: ImportRun) -> None:
    for failure in tally.shown:
        code = f" ({failure.code})" if failure.code else ""
        console.print(f"{failure.label}: {failure.reason}{code}", markup=False, highlight=False, soft_wrap=True)
    more = tally.failed - len(tally.shown)
    if more > 0:
        console.print(f"and {more:,} failures more: --report FILE lists all.", markup=False, highlight=False)
    if run.ended_early:
        console.print(f"The import ended early. {run.ended_early}", markup=False, highlight=False)
    typer.echo(tally.summary())
