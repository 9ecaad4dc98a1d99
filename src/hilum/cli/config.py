"""`hilum config`: every setting with its value, its source and its meaning."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Final, Literal, Union, get_args, get_origin

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hilum.cli.invocation.options import ConfigOption, DataOption, IndexUrlOption, settings_of_run
from hilum.cli.invocation.settings import LoadedSettings, Setting, Source, all_settings, shown_value

_PAGE_START: Final = """\
# Configuration

This page is made from the settings themselves: `make docs` writes it, `hilum config` shows the values in force.

A value comes from the TOML file that `--config` or `HILUM_CONFIG` names, then from `HILUM_*` variables, then from
options of the command line; later wins. A name that is no setting is an error. Lists are written with commas
between their items in variables, as arrays in the file. A password in `index_url` belongs into a variable or the
file: other users of the machine can read command lines. Relative paths start at the working directory.

```toml
data = "/srv/hilum"

[search]
max_results = 500

[cors]
allowed_origins = ["https://viewer.example.org"]
```
"""


def config(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/configuration.md: defaults, not values.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    index_url: IndexUrlOption = None,
) -> None:
    """Print every setting with its value, its source and its meaning."""
    if as_markdown:
        typer.echo(settings_page(), nl=False)
        return
    loaded = settings_of_run(config, {"data": data, "index_url": index_url})
    if as_json:
        typer.echo(json.dumps(list(_records(loaded)), indent=2))
    else:
        Console().print(_table(loaded))


def _records(loaded: LoadedSettings) -> Iterator[dict[str, object]]:
    for setting in all_settings():
        yield {
            "name": setting.name,
            "value": _json_value(loaded.value(setting)),
            "source": loaded.source(setting).value,
            "variable": setting.variable,
            "meaning": setting.meaning,
        }


def _json_value(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | Path):
        return shown_value(value)
    return value


def _table(loaded: LoadedSettings) -> Table:
    table = Table("setting", "value", "source", "meaning", show_lines=False, box=None, pad_edge=False)
    for setting in all_settings():
        source = loaded.source(setting)
        # Text and not str: a value may hold what rich would read as markup.
        table.add_row(
            Text(setting.name),
            Text(shown_value(loaded.value(setting))),
            Text(source.value, style="" if source is Source.DEFAULT else "bold"),
            Text(setting.meaning),
        )
    return table


def settings_page() -> str:
    """Return the text of `docs/configuration.md`."""
    lines = [_PAGE_START]
    section = None
    for setting in all_settings():
        group = setting.name.rpartition(".")[0]
        if group != section:
            lines.append(f"\n## {group or 'The server'}\n")
            lines.append("| setting | variable | values | default | meaning |\n|---|---|---|---|---|")
            section = group
        cells = (
            f"`{setting.name}`",
            f"`{setting.variable}`",
            _allowed(setting),
            _code(shown_value(setting.default)),
            setting.meaning.replace("|", "\\|"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else "none"


def _allowed(setting: Setting) -> str:
    """Name the values that a setting takes."""
    kind = setting.field.annotation
    limits = [_bound(item) for item in setting.field.metadata]
    return ", ".join([_kind(kind), *(limit for limit in limits if limit)])


def _kind(kind: object) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if origin in {Union, types.UnionType}:
        return " or ".join(_kind(choice) for choice in get_args(kind) if choice is not type(None))
    if origin is tuple:
        return "list"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    names = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Path: "path"}
    return names.get(kind, "text") if isinstance(kind, type) else "text"


def _bound(constraint: object) -> str:
    for name, words in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below")):
        bound = getattr(constraint, name, None)
        if bound is not None:
            return f"{words} {bound}"
    return ""
