from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.invocation.settings import Source, all_settings, load_settings, shown_value


def write_file(folder: Path, text: str) -> Path:
    file = folder / "hilum.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_later_source_wins(tmp_path: Path) -> None:
    file = write_file(tmp_path, "port = 1\nworkers = 1\nhost = '127.0.0.9'\n[search]\nmax_results = 7\n")
    environment = {"HILUM_PORT": "2", "HILUM_WORKERS": "2"}

    loaded = load_settings(file=file, environment=environment, options={"port": 3})

    settings = loaded.settings
    assert (settings.port, settings.workers, settings.host, settings.search.max_results) == (3, 2, "127.0.0.9", 7)


def test_every_value_keeps_its_source(tmp_path: Path) -> None:
    file = write_file(tmp_path, "workers = 1\n[search]\nmax_results = 7\n")

    loaded = load_settings(file=file, environment={"HILUM_HTTP__MAX_PARTS": "5"}, options={"port": 3})

    sources = {setting.name: loaded.source(setting) for setting in all_settings()}
    assert sources["port"] is Source.OPTION
    assert sources["http.max_parts"] is Source.ENVIRONMENT
    assert (sources["workers"], sources["search.max_results"]) == (Source.FILE, Source.FILE)
    assert sources["host"] is Source.DEFAULT


def test_a_variable_may_name_the_file(tmp_path: Path) -> None:
    file = write_file(tmp_path, "port = 1\n")

    loaded = load_settings(file=None, environment={"HILUM_CONFIG": str(file)}, options={})

    assert loaded.settings.port == 1


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("HILUM_SEARCH__EMPTY", "200", "search.empty", 200),
        ("HILUM_TLS_CERT", "", "tls_cert", None),
        ("HILUM_CORS__ALLOWED_ORIGINS", "https://a, https://b", "cors.allowed_origins", ("https://a", "https://b")),
        ("HILUM_ALLOW_ANONYMOUS", "true", "allow_anonymous", True),
        ("hilum_port", "81", "port", 81),
    ],
)
def test_variables_are_read_as_their_setting_wants(variable: str, text: str, name: str, value: object) -> None:
    loaded = load_settings(file=None, environment={variable: text}, options={})

    setting = next(setting for setting in all_settings() if setting.name == name)
    assert loaded.value(setting) == value


def test_a_list_in_the_file_is_a_list(tmp_path: Path) -> None:
    file = write_file(tmp_path, "[search]\ninstance_keys = ['Rows', 'Columns']\n")

    assert load_settings(file=file, environment={}, options={}).settings.search.instance_keys == ("Rows", "Columns")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("prot = 1", "`port`"),
        ("[serach]\nmax_results = 1", "`search.max_results`"),
        ("[search]\nmax_result = 1", "`search.max_results`"),
        ("[search.deep]\nmax_results = 1", "did you mean"),
        ("search = 3", "did you mean"),
    ],
)
def test_a_misspelt_name_in_the_file_is_an_error_that_names_the_nearest(tmp_path: Path, text: str, near: str) -> None:
    with pytest.raises(CommandFailed, match="is no setting") as caught:
        load_settings(file=write_file(tmp_path, text), environment={}, options={})

    assert near in str(caught.value)


@pytest.mark.parametrize("variable", ["HILUM_PROT", "HILUM_SEARCH__MAX_RESULT", "HILUM_SEARCH", "HILUM_"])
def test_a_misspelt_variable_is_an_error_that_names_the_nearest(variable: str) -> None:
    with pytest.raises(CommandFailed, match="is no setting; did you mean `HILUM_"):
        load_settings(file=None, environment={variable: "1"}, options={})


def test_a_value_that_is_not_allowed_names_its_setting_and_source() -> None:
    with pytest.raises(CommandFailed, match=r"`search\.max_results` \(from: environment\)"):
        load_settings(file=None, environment={"HILUM_SEARCH__MAX_RESULTS": "-1"}, options={})


@pytest.mark.parametrize("text", ["port = ", "\x00", "port = 'x'"])
def test_a_file_that_is_no_settings_file_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandFailed):
        load_settings(file=write_file(tmp_path, text), environment={}, options={})


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot be read"):
        load_settings(file=tmp_path / "none.toml", environment={}, options={})


def test_every_setting_has_a_meaning() -> None:
    assert [setting.name for setting in all_settings() if not setting.meaning] == []


def test_passwords_are_hidden() -> None:
    assert "secret" not in shown_value("postgresql://hilum:secret@db:5432/hilum")
