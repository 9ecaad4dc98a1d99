from __future__ import annotations

import pytest
from typer.testing import CliRunner

from hilum.cli.invocation.failures import ExitStatus
from hilum.cli.main import app, main


def test_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert (result.exit_code, result.stdout.split()[0]) == (0, "hilum")


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])

    commands = ("serve", "import", "export", "delete", "restore", "verify", "config", "viewer")
    assert [command for command in commands if command not in result.stdout] == []


def test_a_command_that_cannot_run_says_why_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["hilum", "config", "--config", "/none.toml"])

    with pytest.raises(SystemExit) as caught:
        main()

    assert caught.value.code == ExitStatus.REFUSED
    assert capsys.readouterr().err == "hilum: The settings file /none.toml cannot be read: No such file or directory.\n"
