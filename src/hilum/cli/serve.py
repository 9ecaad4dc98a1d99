"""`hilum serve`: check, prepare, then run the server process."""

from __future__ import annotations

import contextlib
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.demo import load_samples
from hilum.cli.invocation.archives import prepare_archive
from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run
from hilum.cli.server.housekeeping import housekeeping
from hilum.cli.server.locks import preparation, server_lock
from hilum.cli.server.preflight import (
    bound_address,
    check_credentials,
    check_exposure,
    check_port,
    network_file_system,
    prepare_folder,
)
from hilum.cli.server.process import run_server
from hilum.cli.server.status import report_end, report_start
from hilum.config import Settings


def serve(  # noqa: PLR0913 - a command's parameters are its options
    *,
    host: Annotated[str | None, typer.Option(help="Address to bind; loopback by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind.")] = None,
    data: DataOption = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; 0: one a core.")] = None,
    config: ConfigOption = None,
    index_url: IndexUrlOption = None,
    blobs_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Blobs: file:///...; by default in the data folder.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Private key, PEM.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Bearer tokens, one a line; requests must carry one.")
    ] = None,
    allow_anonymous: Annotated[
        bool, typer.Option("--allow-anonymous", help="Serve addresses other than loopback without tokens.")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Load sample objects first.")] = False,
) -> None:
    """Serve the archive over HTTP until SIGTERM or Ctrl-C; running requests are finished."""
    settings = settings_of_run(
        config,
        {
            "host": host,
            "port": port,
            "data": data,
            "workers": workers,
            "index_url": index_url,
            "blobs_url": blobs_url,
            "tls_cert": tls_cert,
            "tls_key": tls_key,
            "token_file": token_file,
            "allow_anonymous": allow_anonymous or None,
        },
    ).settings
    _check(settings)
    address = bound_address(settings.host)
    with contextlib.ExitStack() as held:
        with preparation(settings.data):
            held.enter_context(server_lock(settings.data))
            check_port(address, settings.port)
            prepare_archive(settings)
            report_start(settings)
        if demo:
            typer.echo(f"Loaded {load_samples(settings)} sample instances.", err=True)
        held.enter_context(housekeeping(settings))
        status = run_server(
            settings,
            address=address,
            announce=lambda: _announce(settings),
            farewell=lambda: report_end(settings),
        )
    raise typer.Exit(status)


def _check(settings: Settings) -> None:
    check_exposure(settings)
    check_credentials(settings)
    prepare_folder(settings.data)
    _warn_of_network_file_system(settings.data)


def _warn_of_network_file_system(data: Path) -> None:
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = network_file_system(data, mounts)
    if kind is not None:
        typer.echo(
            f"hilum: warning: {data} is on a network file system ({kind}); its locks and its durability are often "
            "weaker than SQLite and this archive need. Prefer a local disk, or PostgreSQL for the index.",
            err=True,
        )


def _announce(settings: Settings) -> None:
    bases = " and ".join(_addresses(settings))
    typer.echo(f"Hilum {version('hilum')} serves {bases} from {settings.data.resolve()}", err=True)


def _addresses(settings: Settings) -> list[str]:
    scheme = "https" if settings.tls_cert else "http"
    hosts = [settings.host]
    if settings.host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        hosts = ["127.0.0.1" if settings.host == "0.0.0.0" else "::1", socket.gethostname()]  # noqa: S104 - as above
    literal = [f"[{host}]" if ":" in host else host for host in hosts]
    return [f"{scheme}://{host}:{settings.port}{settings.http.dicomweb_root}" for host in literal]
