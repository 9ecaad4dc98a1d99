from __future__ import annotations

import json
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.data.data_manager import DATA_ROOT
from typer.testing import Result

import servers
from command_line import HILUM, part10, write_objects
from hilum.cli.invocation.failures import CommandFailed, ExitStatus

Run = Callable[..., Result]
DISC = Path(DATA_ROOT) / "test_files" / "dicomdirtests"


def test_folders_files_and_zip_archives_are_imported_and_what_is_no_dicom_is_counted(
    tmp_path: Path, hilum: Run
) -> None:
    uids = write_objects(tmp_path / "in" / "deep", 3)
    (tmp_path / "in" / "notes.txt").write_text("no DICOM")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "single")
    (tmp_path / "single").write_bytes(part10("1.2.3.4"))
    with zipfile.ZipFile(tmp_path / "in" / "a.zip", "w") as archive:
        archive.writestr("../../x", part10("1.2.3.5"))
        archive.writestr("readme", "no DICOM")

    result = hilum("import", tmp_path / "in", tmp_path / "single")

    assert (
        result.stdout
        == f"{len(uids) + 2} stored, 0 stored before, 3 skipped (2 no DICOM, 1 symbolic link), 0 failed.\n"
    )
    assert result.exit_code == ExitStatus.SUCCESS


def test_an_import_can_be_repeated(tmp_path: Path, hilum: Run) -> None:
    write_objects(tmp_path / "in", 3)
    hilum("import", tmp_path / "in")

    result = hilum("import", tmp_path / "in")

    assert result.stdout.startswith("0 stored, 3 stored before")
    assert result.exit_code == ExitStatus.SUCCESS


def test_failures_are_reported_with_reasons_and_make_the_exit_status_1(tmp_path: Path, hilum: Run) -> None:
    folder = tmp_path / "in"
    write_objects(folder, 2)
    (folder / "[red]broken").write_bytes(bytes(128) + b"DICM" + b"\xff" * 50)
    report = tmp_path / "report.json"

    result = hilum("import", folder, tmp_path / "missing", "--report", report)

    assert result.exit_code == ExitStatus.INCOMPLETE
    content = json.loads(report.read_text())
    failures = {Path(failure["source"]).name: failure for failure in content["failures"]}
    assert failures["[red]broken"]["code"] == "C000"
    assert failures["missing"]["reason"] == "No such file or directory."
    assert content["counts"] == {"failed": 2, "stored": 2}
    assert "[red]broken" in result.stderr


def test_a_dicomdir_brings_the_files_that_it_names(hilum: Run) -> None:
    result = hilum("import", DISC / "DICOMDIR")

    assert result.stdout.startswith("31 stored")


def test_the_archive_is_not_imported_into_itself(tmp_path: Path, hilum: Run) -> None:
    write_objects(tmp_path, 1)
    hilum("import", tmp_path)

    result = hilum("import", tmp_path)

    assert result.stdout.startswith("0 stored, 1 stored before, 0 skipped")


def test_a_report_that_cannot_be_written_is_refused_before_the_import(tmp_path: Path, hilum: Run) -> None:
    with pytest.raises(CommandFailed, match="does not exist"):
        hilum("import", tmp_path, "--report", tmp_path / "none" / "report.json")


def test_an_import_runs_beside_a_server(tmp_path: Path, data: Path, hilum: Run) -> None:
    write_objects(tmp_path / "in", 20)

    with servers.running(data) as server:
        result = hilum("import", tmp_path / "in")

        assert result.stdout.startswith("20 stored")
        assert server.process.poll() is None


def test_an_interrupted_import_ends_in_good_order_and_can_go_on(tmp_path: Path, data: Path, hilum: Run) -> None:
    write_objects(tmp_path / "in", 3000)
    command = [*HILUM, "import", str(tmp_path / "in"), "--data", str(data), "--processes", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not any((data / "blobs").glob("*/*.dcm")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)

    assert process.returncode == ExitStatus.INTERRUPTED
    assert "The import ended early" in errors
    stored = int(output.split()[0].replace(",", ""))
    assert 0 < stored < 3000
    assert list((data / "staging").iterdir()) == []
    assert hilum("verify").exit_code == ExitStatus.SUCCESS
