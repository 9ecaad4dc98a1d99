from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from command_line import SERIES, STUDY
from hilum.archive.file_names import file_of
from hilum.cli.invocation.failures import ExitStatus
from hilum.store.rows.records import StoredInstance

Run = Callable[..., Result]
INSTANCE = StoredInstance(1, 1, "1.2", "1.2.3", "1.2.3.4", "1.2.840.10008.5.1.4.1.1.7", "", "0" * 32, 9, 9, None)


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


@pytest.mark.parametrize("uid", ["..", ".", "", "a/b", "../x", "a\0b", ".hidden", "é", "x" * 65, "a b", "-o", "\udcff"])
def test_uids_that_are_no_plain_names_never_become_paths(uid: str) -> None:
    found = file_of(replace(INSTANCE, study_instance_uid=uid, series_instance_uid=uid, sop_instance_uid=uid))

    assert len(found.parts) == 3
    assert all(part.isascii() and part.startswith("uid-") for part in found.parts)


def test_plain_uids_are_names() -> None:
    assert file_of(INSTANCE) == Path("1.2/1.2.3/1.2.3.4.dcm")
