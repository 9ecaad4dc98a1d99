"""`hilum conformance`: the conformance statement of the server that these settings make."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Annotated

import typer

from hilum.cli.invocation.options import ConfigOption, settings_of_run
from hilum.config import Settings


def conformance(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON array of sections, with the values in force.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/conformance-statement.md: defaults, not values.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Print the conformance statement: services, media types, transfer syntaxes, keys, limits (PS3.2)."""
    if as_markdown:
        typer.echo(statement_page(), nl=False)
        return
    from hilum.web.description.conformance_statement import conformance_statement, markdown, members  # noqa: PLC0415 - slow to load
    from hilum.web.resources.services import SERVICES  # noqa: PLC0415 - slow to load

    settings = settings_of_run(config, {}).settings
    sections = conformance_statement(SERVICES, settings, version=version("hilum"))
    typer.echo(json.dumps(members(sections), indent=2) if as_json else markdown(sections), nl=as_json)


def statement_page() -> str:
    """Return the page of the documentation: the statement of a server with default settings."""
    from hilum.web.description.conformance_statement import conformance_statement, markdown  # noqa: PLC0415 - slow to load
    from hilum.web.resources.services import SERVICES  # noqa: PLC0415 - slow to load

    return markdown(conformance_statement(SERVICES, Settings.model_construct(), version=version("hilum")))
