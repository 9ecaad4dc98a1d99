"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.invocation.settings import LoadedSettings, load_settings

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of settings (also: HILUM_CONFIG)."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", help="Data folder: index, blobs and staging area."),
]
IndexUrlOption = Annotated[
    str | None,
    typer.Option("--index-url", metavar="URL", help="Index: postgresql://... or sqlite:///..."),
]


def settings_of_run(config: Path | None, options: dict[str, object]) -> LoadedSettings:
    """Return the settings of this run.

    Args:
        config: the file that `--config` names.
        options: values by dotted name of the setting; None where the option is not given.

    Raises:
        CommandFailed: a name is no setting or a value is not allowed.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return load_settings(file=config, environment=os.environ, options=given)
