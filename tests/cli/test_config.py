from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hilum.cli.config import settings_page
from hilum.cli.invocation.settings import all_settings
from hilum.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


def test_the_configuration_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "run `make docs`"


def test_config_prints_each_setting_with_value_source_and_meaning(runner: CliRunner) -> None:
    result = runner.invoke(app, ["config", "--data", "/srv/[red]archive"], env={"HILUM_PORT": "81"})

    assert result.exit_code == 0
    assert all(setting.name in result.stdout for setting in all_settings())
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "environment" in lines["port"]
    assert "/srv/[red]archive" in lines["data"]
    assert "option" in lines["data"]


def test_config_prints_json(runner: CliRunner) -> None:
    result = runner.invoke(app, ["config", "--json", "--index-url", "postgresql://u:secret@db/h"])

    records = {record["name"]: record for record in json.loads(result.stdout)}
    assert records["port"]["value"] == 8080
    assert records["search.empty"]["variable"] == "HILUM_SEARCH__EMPTY"
    assert records["index_url"]["source"] == "option"
    assert "secret" not in result.stdout
