from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from command_line import SERIES, STUDY
from hilum.cli.invocation.failures import ExitStatus

Run = Callable[..., Result]


@pytest.mark.parametrize("name", [STUDY, SERIES, f"{STUDY}/{SERIES}"])
def test_a_study_or_series_is_written_as_stored(tmp_path: Path, hilum: Run, stored: list[str], name: str) -> None:
    result = hilum("export", name, "-o", tmp_path / "out")

    assert (result.exit_code, result.stdout) == (ExitStatus.SUCCESS, "3 written\n")
    folder = tmp_path / "out" / STUDY / SERIES
    assert sorted(file.name for file in folder.iterdir()) == [f"{uid}.dcm" for uid in stored]
    for uid in stored:
        assert (folder / f"{uid}.dcm").read_bytes() == (tmp_path / "in" / f"{uid}.dcm").read_bytes()


def test_an_instance_is_written_alone(tmp_path: Path, hilum: Run, stored: list[str]) -> None:
    hilum("export", stored[1], "-o", tmp_path / "out")

    assert [file.name for file in (tmp_path / "out").glob("*/*/*")] == [f"{stored[1]}.dcm"]


def test_equal_files_stay_and_others_are_never_replaced(tmp_path: Path, hilum: Run, stored: list[str]) -> None:
    hilum("export", STUDY, "-o", tmp_path / "out")
    files = sorted((tmp_path / "out").glob("*/*/*"))
    files[0].write_bytes(b"mine")
    files[1].write_bytes(files[1].read_bytes() + b"longer")

    result = hilum("export", STUDY, "-o", tmp_path / "out")

    assert result.exit_code == ExitStatus.INCOMPLETE
    assert result.stdout.startswith("0 written, 1 were there already, 2 not written")
    assert files[0].read_bytes() == b"mine"
    assert len(stored) == len(list((tmp_path / "out").glob("*/*/*")))


def test_an_unknown_uid_is_named_and_costs_the_others_nothing(tmp_path: Path, hilum: Run, stored: list[str]) -> None:
    result = hilum("export", "9.9", stored[0], "../..", "-o", tmp_path / "out")

    assert result.exit_code == ExitStatus.INCOMPLETE
    assert result.stdout == "1 written\n"
    assert "9.9" in result.stderr
