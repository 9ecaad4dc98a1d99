"""`hilum worklist list|show|create|claim|progress|complete|cancel|watch`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.worklist.server import Members, WorklistServer, new_uid
from hilum.cli.worklist.watching import print_events
from hilum.dicom.worklist.checks import PERFORMED, PROGRESS, text_of
from hilum.dicom.worklist.payload import PayloadError, parse_json

worklist = typer.Typer(no_args_is_help=True, help="Workitems of any UPS-RS origin server (PS3.18 chapter 11).")

UrlOption = Annotated[
    str,
    typer.Option("--url", envvar="WORKLIST_URL", metavar="URL", help="Base URL of the server's RESTful services."),
]
TokenOption = Annotated[
    str | None, typer.Option("--token", envvar="WORKLIST_TOKEN", help="Bearer token.", show_default=False)
]
UidArgument = Annotated[str, typer.Argument(metavar="UID", help="SOP Instance UID of the workitem.")]
TransactionOption = Annotated[str, typer.Option("--transaction", metavar="UID", help="Transaction UID of the claim.")]
MatchArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ATTRIBUTE=VALUE]...", help="Keywords or tags, such as ProcedureStepState=SCHEDULED."),
]

DEFAULT_URL: Final = "http://127.0.0.1:8080/dicomweb"
_COLUMNS: Final = ("00080018", "00741000", "00741200", "00404005", "00741202", "00741204", "00100020")


@worklist.command("list")
def list_(
    matches: MatchArgument = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="Most workitems.")] = 50,
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
) -> None:
    """Print one line a workitem: UID, state, priority, start, worklist, label, patient; tabs between them."""
    with WorklistServer(url, token) as server:
        for members in server.search(matches or [], limit):
            typer.echo("\t".join(text_of(members, tag) for tag in _COLUMNS))


@worklist.command()
def show(uid: UidArgument, *, url: UrlOption = DEFAULT_URL, token: TokenOption = None) -> None:
    """Print a workitem in the DICOM JSON Model."""
    with WorklistServer(url, token) as server:
        typer.echo(orjson.dumps(server.retrieve(uid), option=orjson.OPT_INDENT_2).decode())


@worklist.command()
def create(  # noqa: PLR0913 - a command's parameters are its options
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="DICOM JSON of the workitem; `-` is standard input.")
    ] = None,
    *,
    label: Annotated[str, typer.Option(help="Procedure Step Label.")] = "",
    worklist_label: Annotated[str, typer.Option("--worklist", help="Worklist Label.")] = "",
    priority: Annotated[str, typer.Option(help="HIGH, MEDIUM or LOW.")] = "MEDIUM",
    study: Annotated[str, typer.Option(metavar="UID", help="Study that is the input.")] = "",
    uid: Annotated[str, typer.Option(help="SOP Instance UID; by default a new one.")] = "",
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
) -> None:
    """Create a workitem from a file, or from options; print its UID."""
    members = _read(file) if file else _new_workitem(label, worklist_label, priority, study)
    with WorklistServer(url, token) as server:
        created, warning = server.create(members, uid)
    _warn(warning)
    typer.echo(created)


@worklist.command()
def claim(
    uid: UidArgument,
    *,
    transaction: Annotated[str, typer.Option(metavar="UID", help="Transaction UID; by default a new one.")] = "",
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
) -> None:
    """Claim a workitem; print the Transaction UID, which all further changes need."""
    transaction_uid = transaction or new_uid()
    with WorklistServer(url, token) as server:
        _warn(server.change_state(uid, "IN PROGRESS", transaction_uid))
    typer.echo(transaction_uid)


@worklist.command()
def progress(  # noqa: PLR0913 - a command's parameters are its options
    uid: UidArgument,
    percent: Annotated[float, typer.Argument(min=0, max=100, help="How much is done.")],
    *,
    transaction: TransactionOption,
    description: Annotated[str, typer.Option(help="What is being done.")] = "",
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
) -> None:
    """Report how far a claimed workitem is."""
    item: Members = {"00741004": {"vr": "DS", "Value": [percent]}}
    if description:
        item["00741006"] = {"vr": "ST", "Value": [description]}
    with WorklistServer(url, token) as server:
        _warn(server.update(uid, {PROGRESS: {"vr": "SQ", "Value": [item]}}, transaction))


@worklist.command()
def complete(  # noqa: PLR0913 - a command's parameters are its options
    uid: UidArgument,
    *,
    transaction: TransactionOption,
    performed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="DICOM JSON of the attributes to set before; `-`: stdin.")
    ] = None,
    station: Annotated[str, typer.Option(help="Code of the station that performed it.")] = "",
    work: Annotated[str, typer.Option(help="Code of the work that was done.")] = "",
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
) -> None:
    """Complete a claimed workitem, after setting what was performed."""
    members = _read(performed) if performed else _performed(station, work) if station and work else {}
    with WorklistServer(url, token) as server:
        if members:
            _warn(server.update(uid, members, transaction))
        _warn(server.change_state(uid, "COMPLETED", transaction))


@worklist.command()
def cancel(
    uid: UidArgument,
    *,
    transaction: Annotated[
        str, typer.Option(metavar="UID", help="Transaction UID: cancel it as its performer; else ask for it.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why, if it is asked for.")] = "",
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
) -> None:
    """Cancel a claimed workitem, or request the cancellation of any."""
    with WorklistServer(url, token) as server:
        if transaction:
            _warn(server.change_state(uid, "CANCELED", transaction))
        else:
            _warn(server.request_cancellation(uid, reason))


@worklist.command()
def watch(  # noqa: PLR0913 - a command's parameters are its options
    matches: MatchArgument = None,
    *,
    workitem: Annotated[str, typer.Option(metavar="UID", help="One workitem; by default all that match.")] = "",
    ae_title: Annotated[str, typer.Option("--aet", help="AE title to subscribe.")] = "HILUM-WATCH",
    count: Annotated[int, typer.Option(min=0, help="End after so many events; 0: never.")] = 0,
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
) -> None:
    """Subscribe, and print each event as one line of DICOM JSON as it comes; reconnect when the connection breaks."""
    with WorklistServer(url, token) as server:
        channel = server.subscribe(workitem, ae_title, matches or [])
        print_events(channel, server.headers, count)


def _new_workitem(label: str, worklist_label: str, priority: str, study: str) -> Members:
    if not label:
        raise CommandFailed("A new workitem needs a FILE, or a --label.")
    now = datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z")
    members: dict[str, Any] = {
        "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
        "00741200": {"vr": "CS", "Value": [priority]},
        "00741204": {"vr": "LO", "Value": [label]},
        "00404005": {"vr": "DT", "Value": [now]},
        "00404041": {"vr": "CS", "Value": ["READY"]},
    }
    if worklist_label:
        members["00741202"] = {"vr": "LO", "Value": [worklist_label]}
    if study:
        item = {"0020000D": {"vr": "UI", "Value": [study]}, "0040E020": {"vr": "CS", "Value": ["DICOM"]}}
        members["00404021"] = {"vr": "SQ", "Value": [item]}
    return members


def _performed(station: str, work: str) -> Members:
    now = datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z")
    item = {
        "00404019": _code(work),
        "00404028": _code(station),
        "00404033": {"vr": "SQ"},
        "00404050": {"vr": "DT", "Value": [now]},
        "00404051": {"vr": "DT", "Value": [now]},
    }
    return {PERFORMED: {"vr": "SQ", "Value": [item]}}


def _code(value: str) -> Members:
    item = {
        "00080100": {"vr": "SH", "Value": [value]},
        "00080102": {"vr": "SH", "Value": ["99HILUM"]},
        "00080104": {"vr": "LO", "Value": [value]},
    }
    return {"vr": "SQ", "Value": [item]}


def _read(file: Path) -> Members:
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.") from error
    try:
        return parse_json(body).members
    except PayloadError as error:
        raise CommandFailed(f"{file}: {error}") from error


def _warn(warning: str) -> None:
    if warning:
        typer.echo(f"hilum: warning: {warning}", err=True)
