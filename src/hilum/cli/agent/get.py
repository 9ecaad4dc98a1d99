"""`hilum get`: instances from any DICOMweb server into files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from hilum.cli.agent.fetching import fetch
from hilum.cli.agent.pace import Pace
from hilum.cli.agent.peer import (
    CaFileOption,
    Peer,
    PeerFailed,
    ServerArgument,
    TimeoutOption,
    TokenFileOption,
    connected,
)
from hilum.cli.agent.tally import Outcome, TransferTally
from hilum.cli.agent.wanted import WantedInstance, instances_of, instances_of_manifest, studies_of_search
from hilum.cli.invocation.failures import CommandFailed, ExitStatus
from hilum.dicom.uids import is_uid

_WAITING: Final = 4
"""Instances that wait for each one that is fetched: the list may be far longer than memory."""


def get(  # noqa: PLR0913 - a command's parameters are its options
    server: ServerArgument,
    *,
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the files go.")],
    study: Annotated[list[str] | None, typer.Option(metavar="UID", help="A study; may be repeated.")] = None,
    series: Annotated[str, typer.Option(metavar="UID", help="Only this series of the one study.")] = "",
    instance: Annotated[str, typer.Option(metavar="UID", help="Only this instance of the one series.")] = "",
    query: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Studies that match, such as PatientID=4711; may be repeated."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What a Key Object Selection document references.")
    ] = None,
    transfer_syntax: Annotated[
        str, typer.Option(metavar="UID", help="Transfer syntax to ask for; `*`: as the server stores it.")
    ] = "*",
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Instances at once.")] = 4,
    rate: Annotated[float, typer.Option(min=0.0, metavar="MB", help="Most megabytes a second; 0: no limit.")] = 0.0,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every instance's outcome as JSON.")] = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Fetch instances as FOLDER/STUDY/SERIES/INSTANCE.dcm.

    Run it again to go on: a file that is there already is not fetched once more. The exit status is 1 if anything
    failed.
    """
    wish = _Wish(tuple(study or ()), series, instance, _keys(query or ()), manifest)
    wish.check()
    if transfer_syntax != "*" and not is_uid(transfer_syntax):
        raise CommandFailed("--transfer-syntax is a UID or *.")
    tally = TransferTally(Console(stderr=True), "Fetching")
    pace = Pace(rate * 1e6)
    with (
        connected(server, token_file=token_file, ca_file=ca_file, timeout_s=timeout, connections=parallel + 1) as peer,
        tally.shown(),
    ):
        _fetch_all(
            _listed(peer, wish, tally),
            lambda wanted: fetch(peer, wanted, folder, transfer_syntax, pace),
            tally,
            parallel,
        )
    if report is not None:
        tally.write_report(report)
    tally.print_failures()
    typer.echo(tally.summary())
    raise typer.Exit(ExitStatus.INCOMPLETE if tally.counts["failed"] else ExitStatus.SUCCESS)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the command line asks for."""

    studies: tuple[str, ...]
    series: str
    instance: str
    keys: Mapping[str, str]
    manifest: Path | None

    def check(self) -> None:
        """Raise CommandFailed for options that do not go together."""
        if sum((bool(self.studies), bool(self.keys), self.manifest is not None)) != 1:
            raise CommandFailed("Give one of --study, --query and --manifest.")
        if self.series and len(self.studies) != 1:
            raise CommandFailed("--series needs exactly one --study.")
        if self.instance and not self.series:
            raise CommandFailed("--instance needs --series.")
        for uid in (*self.studies, self.series, self.instance):
            if uid and not is_uid(uid):
                raise CommandFailed(f"{uid} is no UID.")


def _keys(texts: Sequence[str]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise CommandFailed(f"{text} is not of the form KEY=VALUE.")
        keys[key] = value
    return keys


def _listed(peer: Peer, wish: _Wish, tally: TransferTally) -> Iterator[WantedInstance]:
    """Yield what is wished for; a study whose instances cannot be told counts as failed and costs no other."""
    if wish.manifest is not None:
        referenced = instances_of_manifest(wish.manifest)
        tally.total = len(referenced)
        yield from referenced
        return
    if wish.instance:
        yield WantedInstance(wish.studies[0], wish.series, wish.instance)
        return
    try:
        studies = wish.studies or tuple(studies_of_search(peer, wish.keys))
    except PeerFailed as error:
        raise CommandFailed(str(error)) from error
    for study in studies:
        count = 0
        try:
            for count, wanted in enumerate(instances_of(peer, study, wish.series), 1):  # noqa: B007 - used below
                yield wanted
        except PeerFailed as error:
            tally.add(Outcome(study, "failed", str(error)))
            continue
        if not count:
            tally.add(Outcome(study, "failed", "The server knows no instance of it."))


def _fetch_all(
    wanted: Iterator[WantedInstance],
    fetch_one: Callable[[WantedInstance], Outcome],
    tally: TransferTally,
    parallel: int,
) -> None:
    with ThreadPoolExecutor(parallel) as threads:
        running: set[Future[Outcome]] = set()
        try:
            for one in wanted:
                running.add(threads.submit(fetch_one, one))
                if len(running) >= parallel * _WAITING:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        tally.add(future.result())
            for future in running:
                tally.add(future.result())
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
