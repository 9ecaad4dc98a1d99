from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from command_line import write_objects
from hilum.cli.failures import ExitStatus

Run = Callable[..., Result]


@pytest.fixture
def blob(tmp_path: Path, data: Path, hilum: Run) -> Path:
    write_objects(tmp_path / "in", 2)
    hilum("import", tmp_path / "in")
    return min((data / "blobs").glob("*/*.dcm"))


@pytest.mark.usefixtures("blob")
def test_an_archive_in_good_order_has_no_findings(hilum: Run) -> None:
    result = hilum("verify")

    assert (result.exit_code, result.stdout) == (ExitStatus.SUCCESS, "")
    assert "2 instances checked, 0 findings not repaired." in result.stderr


def test_a_changed_byte_is_found_and_the_broken_blob_set_aside(hilum: Run, blob: Path) -> None:
    blob.chmod(0o600)
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)

    found, repaired, after = hilum("verify"), hilum("verify", "--repair"), hilum("verify")

    assert found.exit_code == ExitStatus.INCOMPLETE
    assert found.stdout.startswith("broken blob: ")
    assert repaired.stdout.endswith("(repaired)\n")
    assert (repaired.exit_code, after.exit_code) == (ExitStatus.SUCCESS, ExitStatus.SUCCESS)


def test_a_lost_index_is_rebuilt_from_the_blobs(tmp_path: Path, data: Path, hilum: Run, blob: Path) -> None:
    for file in data.glob("index.sqlite*"):
        file.unlink()
    hilum("import", tmp_path / "in" / "nothing")

    found, repaired, after = hilum("verify"), hilum("verify", "--repair"), hilum("verify")

    assert found.stdout.count("lost row: ") == 2
    assert repaired.stdout.count("(repaired)") == 2
    assert (found.exit_code, repaired.exit_code, after.exit_code) == (1, 0, 0)
    assert blob.exists()
