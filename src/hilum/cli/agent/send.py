"""`hilum send`: files to any DICOMweb server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from pydicom.datadict import dictionary_description
from pydicom.uid import generate_uid
from rich.console import Console

from hilum.cli.agent.journal import Journal
from hilum.cli.agent.kinds import PlainKind, kind_of
from hilum.cli.agent.pace import Pace
from hilum.cli.agent.payloads import plain_data_set, plain_payload, tag_of
from hilum.cli.agent.peer import CaFileOption, Peer, ServerArgument, TimeoutOption, TokenFileOption, connected
from hilum.cli.agent.sending import send_alone, send_objects
from hilum.cli.agent.tally import Outcome, TransferTally
from hilum.cli.importing.sources import FileCandidate, SkippedLink, Unreadable, offers
from hilum.cli.invocation.failures import CommandFailed, ExitStatus
from hilum.dicom.uids import is_uid

_BATCH_BYTES: Final = 64 * 1024 * 1024
_STUDY, _SERIES = "0020000D", "0020000E"
_ASKED_FOR: Final = ("00100020", "00100010")


def send(  # noqa: PLR0913 - a command's parameters are its options
    server: ServerArgument,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, folders, DICOMDIRs.")],
    *,
    study: Annotated[str, typer.Option(metavar="UID", help="Store into this study alone.")] = "",
    attribute: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Attribute of instances made of plain files; may be repeated."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Objects in one request, up to 64 MB.")] = 20,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Requests at once.")] = 4,
    rate: Annotated[float, typer.Option(min=0.0, metavar="MB", help="Most megabytes a second; 0: no limit.")] = 0.0,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Note what was sent; what it names is not sent again.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every file's outcome as JSON.")] = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Send DICOM objects, and photographs, videos and PDF documents as new instances.

    Plain files become instances of one new series, in a new study unless one is named; what is needed to know and
    not given by --set is asked for on a terminal. The exit status is 1 if anything failed.
    """
    if study and not is_uid(study):
        raise CommandFailed(f"{study} is no UID.")
    given = _attributes(attribute or ())
    tally = TransferTally(Console(stderr=True), "Sending")
    with (
        closing(Journal.opened(journal)) as noted,
        connected(server, token_file=token_file, ca_file=ca_file, timeout_s=timeout, connections=parallel) as peer,
    ):
        path = f"/studies/{study}" if study else "/studies"
        plain = _PlainFiles(given, study)
        jobs = _jobs(_found(paths, noted, tally), plain, batch, partial(_Job, peer, path, Pace(rate * 1e6)))
        with tally.shown():
            _send_all(jobs, noted, tally, parallel)
    if report is not None:
        tally.write_report(report)
    tally.print_failures()
    typer.echo(tally.summary())
    raise typer.Exit(ExitStatus.INCOMPLETE if tally.counts["failed"] else ExitStatus.SUCCESS)


def _attributes(texts: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandFailed(f"{text} is not of the form KEY=VALUE.")
        try:
            given[tag_of(name)] = value
        except ValueError as error:
            raise CommandFailed(str(error)) from error
    return given


def _found(
    paths: Sequence[Path], journal: Journal, tally: TransferTally
) -> Iterator[tuple[FileCandidate, PlainKind | None]]:
    """Yield the files that are to be sent; None for their kind: a Part 10 object."""
    for path in paths:
        for offer in offers(path, excluded=frozenset()):
            match offer:
                case FileCandidate():
                    if journal.has(offer):
                        tally.add(Outcome(offer.label, "sent before"))
                        continue
                    try:
                        kind = kind_of(offer.path)
                    except OSError as error:
                        tally.add(Outcome(offer.label, "failed", f"{error.strerror}."))
                        continue
                    if kind is None:
                        tally.add(Outcome(offer.label, "skipped", "Nothing that can be sent."))
                    else:
                        yield offer, kind if isinstance(kind, PlainKind) else None
                case Unreadable():
                    tally.add(Outcome(offer.label, "failed", offer.reason))
                case SkippedLink():
                    tally.add(Outcome(offer.path, "skipped", "A symbolic link."))
                case _:
                    continue


class _PlainFiles:
    """What the instances of plain files have in common; asked for when the first of them comes."""

    def __init__(self, given: Mapping[str, str], study: str) -> None:
        self._given = {**given, **({_STUDY: study} if study else {})}
        self._number = 0

    def data_set(self, kind: PlainKind) -> dict[str, object]:
        """Return the data set of the next one."""
        if not self._number:
            for tag in _ASKED_FOR:
                if tag not in self._given:
                    self._given[tag] = _asked(dictionary_description(int(tag, 16)))
            self._given.setdefault(_STUDY, str(generate_uid()))
            self._given.setdefault(_SERIES, str(generate_uid()))
        self._number += 1
        return plain_data_set(kind, self._given, number=self._number)


def _asked(what: str) -> str:
    if not sys.stdin.isatty():
        raise CommandFailed(f"{what} is needed to send plain files: give it by --set.")
    return str(typer.prompt(what, default="", show_default=False))


@dataclass(frozen=True, slots=True)
class _Job:
    """One request to be made."""

    peer: Peer
    path: str
    pace: Pace
    files: tuple[FileCandidate, ...]
    kind: PlainKind | None = None
    data_set: dict[str, object] | None = None

    def run(self) -> list[tuple[FileCandidate, Outcome]]:
        """Make it."""
        if self.kind is None or self.data_set is None:
            outcomes = send_objects(self.peer, self.path, self.files, self.pace)
            return list(zip(self.files, outcomes, strict=True))
        payload = plain_payload(self.files[0], self.kind, self.data_set)
        return [(self.files[0], send_alone(self.peer, self.path, self.files[0], payload, self.pace))]


def _jobs(
    found: Iterator[tuple[FileCandidate, PlainKind | None]],
    plain: _PlainFiles,
    batch: int,
    job: Callable[..., _Job],
) -> Iterator[_Job]:
    waiting: list[FileCandidate] = []
    size = 0
    for file, kind in found:
        if kind is not None:
            yield job((file,), kind, plain.data_set(kind))
            continue
        if waiting and (len(waiting) == batch or size + file.size_bytes > _BATCH_BYTES):
            yield job(tuple(waiting))
            waiting, size = [], 0
        waiting.append(file)
        size += file.size_bytes
    if waiting:
        yield job(tuple(waiting))


def _send_all(jobs: Iterator[_Job], journal: Journal, tally: TransferTally, parallel: int) -> None:
    def settle(done: set[Future[list[tuple[FileCandidate, Outcome]]]]) -> None:
        for future in done:
            for file, outcome in future.result():
                if outcome.what == "sent":
                    journal.add(file)
                tally.add(outcome)

    with ThreadPoolExecutor(parallel) as threads:
        running: set[Future[list[tuple[FileCandidate, Outcome]]]] = set()
        try:
            for job in jobs:
                running.add(threads.submit(job.run))
                if len(running) >= 2 * parallel:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    settle(done)
            settle(running)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
