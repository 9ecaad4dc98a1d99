from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from command_line import SERIES, STUDY
from hilum.cli.invocation.failures import ExitStatus

Run = Callable[..., Result]


@pytest.mark.parametrize("name", [STUDY, SERIES, f"{STUDY}/{SERIES}"])
@pytest.mark.usefixtures("stored")
def test_a_study_or_series_goes_to_the_trash_and_back(tmp_path: Path, hilum: Run, name: str) -> None:
    deleted = hilum("delete", name)
    gone = hilum("export", STUDY, "-o", tmp_path / "out")
    restored = hilum("restore", name)
    back = hilum("export", STUDY, "-o", tmp_path / "out")

    assert deleted.stdout == f"{name}: 3 instances moved to the trash.\n"
    assert gone.exit_code == ExitStatus.INCOMPLETE
    assert restored.stdout == f"{name}: 3 instances restored.\n"
    assert back.stdout == "3 written\n"


def test_an_instance_goes_to_the_trash_alone(tmp_path: Path, hilum: Run, stored: list[str]) -> None:
    assert hilum("delete", stored[0]).stdout == f"{stored[0]}: 1 instance moved to the trash.\n"

    assert hilum("export", STUDY, "-o", tmp_path / "out").stdout == "2 written\n"
    assert hilum("restore", stored[0]).exit_code == ExitStatus.SUCCESS


@pytest.mark.parametrize("command", ["delete", "restore"])
@pytest.mark.parametrize("name", ["9.9.9", "no uid", "1/2/3/4", "", "é", "1" * 65])
@pytest.mark.usefixtures("stored")
def test_what_is_not_there_is_named_and_makes_the_exit_status_1(hilum: Run, command: str, name: str) -> None:
    result = hilum(command, name)

    assert (result.exit_code, result.stdout) == (ExitStatus.INCOMPLETE, "")
    assert result.stderr.startswith("hilum: ")
