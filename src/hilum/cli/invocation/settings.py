"""The settings of one run: the TOML file, then `HILUM_*` variables, then options; later wins.

Every value keeps its source, and no name passes that is not a setting: a misspelt limit would otherwise be a
limit that is not there.
"""

from __future__ import annotations

import difflib
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hilum.cli.invocation.failures import CommandFailed
from hilum.config import Settings

_PREFIX: Final = "HILUM_"
CONFIG_VARIABLE: Final = "HILUM_CONFIG"
"""Names the TOML file where no `--config` does; the one variable that is no setting."""


class Source(Enum):
    """Where a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the model describes it."""

    name: str
    """Dotted, as in the file: `search.max_results`."""
    field: FieldInfo

    @property
    def variable(self) -> str:
        """Name of its environment variable."""
        return _PREFIX + self.name.upper().replace(".", "__")

    @property
    def meaning(self) -> str:
        """What it does, on one line."""
        return " ".join((self.field.description or "").split())

    @property
    def default(self) -> object:
        """Its value if nothing sets it."""
        return self.field.get_default(call_default_factory=True)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings of one run, and where each value that is no default comes from."""

    settings: Settings
    sources: Mapping[str, Source]

    def source(self, setting: Setting) -> Source:
        """Return where the value of `setting` comes from."""
        return self.sources.get(setting.name, Source.DEFAULT)

    def value(self, setting: Setting) -> object:
        """Return the value of `setting`."""
        value: object = self.settings
        for part in setting.name.split("."):
            value = getattr(value, part)
        return value


def all_settings(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Setting]:
    """Iterate over every setting, in the order of the model."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from all_settings(field.annotation, f"{prefix}{name}.")
        else:
            yield Setting(f"{prefix}{name}", field)


def load_settings(
    *, file: Path | None, environment: Mapping[str, str], options: Mapping[str, object]
) -> LoadedSettings:
    """Return the settings of one run.

    Args:
        file: a TOML file; None: the one that `HILUM_CONFIG` names, if any.
        environment: the process's variables.
        options: values by dotted name, those alone that the command line gives.

    Raises:
        CommandFailed: a name is no setting, a value is not allowed, or the file cannot be read.
    """
    if file is None and environment.get(CONFIG_VARIABLE):
        file = Path(environment[CONFIG_VARIABLE])
    layers = (
        (Source.FILE, _file_values(file) if file else {}),
        (Source.ENVIRONMENT, _environment_values(environment)),
        (Source.OPTION, options),
    )
    values = {name: value for _, layer in layers for name, value in layer.items()}
    sources = {name: source for source, layer in layers for name in layer}
    try:
        return LoadedSettings(Settings.model_validate(_nested(values)), sources)
    except ValidationError as error:
        raise CommandFailed("\n".join(_complaints(error, sources))) from error


def shown_value(value: object) -> str:
    """Return the text of a value as people see it; a password inside a URL is hidden.

    >>> shown_value("postgresql://hilum:secret@db/hilum")
    'postgresql://hilum:***@db/hilum'
    """
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return _without_password(str(value))


def _without_password(text: str) -> str:
    if "://" not in text:
        return text
    try:
        password = urlsplit(text).password
    except ValueError:
        return text
    return text.replace(f":{password}@", ":***@", 1) if password else text


def _file_values(file: Path) -> dict[str, object]:
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandFailed(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CommandFailed(f"The settings file {file} is no TOML: {error}.") from error
    known = {setting.name for setting in all_settings()}
    values = dict(_flattened(tree))
    for name in values:
        if name not in known:
            raise CommandFailed(f"{file}: `{name}` is no setting{_nearest(name, known)}")
    return values


def _flattened(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _environment_values(environment: Mapping[str, str]) -> dict[str, object]:
    settings = {setting.variable: setting for setting in all_settings()}
    values: dict[str, object] = {}
    for variable, text in environment.items():
        name = variable.upper()
        if not name.startswith(_PREFIX) or name == CONFIG_VARIABLE:
            continue
        if name not in settings:
            raise CommandFailed(f"The variable {variable} is no setting{_nearest(name, settings)}")
        values[settings[name].name] = _from_text(text, settings[name].field.annotation)
    return values


def _from_text(text: str, annotation: object) -> object:
    """Turn a variable's text into what pydantic itself would not: a number among choices, and None."""
    if get_origin(annotation) is Literal:
        return next((choice for choice in get_args(annotation) if str(choice) == text), text)
    if text == "" and get_origin(annotation) in {Union, types.UnionType} and type(None) in get_args(annotation):
        return None
    return text


def _nearest(name: str, known: Mapping[str, object] | set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"; did you mean `{near[0]}`?" if near else "."


def _nested(values: Mapping[str, object]) -> dict[str, object]:
    tree: dict[str, object] = {}
    sections: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        section, dot, leaf = name.partition(".")
        if dot:
            sections.setdefault(section, {})[leaf] = value
        else:
            tree[name] = value
    return {**tree, **sections}


def _complaints(error: ValidationError, sources: Mapping[str, Source]) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False):
        path = ".".join(str(step) for step in problem["loc"])
        name = next((name for name in sources if path == name or path.startswith(f"{name}.")), path)
        source = sources.get(name, Source.DEFAULT).value
        yield f"The setting `{name}` (from: {source}) is not allowed: {problem['msg']}."
