"""`hilum check`: a score card of any DICOMweb server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.agent.peer import CaFileOption, ServerArgument, TimeoutOption, TokenFileOption, connected
from hilum.cli.checking.probe import Probe
from hilum.cli.checking.records import Verdict
from hilum.cli.checking.reports import Form, score_card
from hilum.cli.checking.run import Mode, run_checks
from hilum.cli.invocation.failures import CommandFailed, ExitStatus


def check(  # noqa: PLR0913 - a command's parameters are its options
    server: ServerArgument,
    *,
    write: Annotated[bool, typer.Option("--write", help="Store instances of a patient HILUM-CHECK as well.")] = False,
    form: Annotated[Form, typer.Option("--format", help="Form of the score card.")] = Form.TEXT,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there.")] = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Check a DICOMweb server against requirements of PS3.18, and print what it does of each.

    Without --write nothing on the server is changed, and an instance that it has serves for the checks. What is
    stored with --write stays there. The exit status is 1 if a check failed.
    """
    with connected(server, token_file=token_file, ca_file=ca_file, timeout_s=timeout, connections=2) as peer:
        findings = list(run_checks(Probe(peer.client), Mode.WRITE if write else Mode.READ))
    card = score_card(findings, server, form)
    if output is None:
        typer.echo(card, nl=False)
    else:
        try:
            output.write_text(card)
        except OSError as error:
            raise CommandFailed(f"{output} cannot be written.") from error
    failed = any(finding.verdict is Verdict.FAILED for finding in findings)
    raise typer.Exit(ExitStatus.INCOMPLETE if failed else ExitStatus.SUCCESS)
