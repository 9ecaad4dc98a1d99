from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from hilum.cli.invocation.archives import prepare_beside_server
from hilum.cli.invocation.failures import ExitStatus
from hilum.config import Settings

Run = Callable[..., Result]


@pytest.fixture
def blob(data: Path, stored: list[str]) -> Path:
    assert len(stored) == 3
    return min((data / "blobs").glob("*/*.dcm"))


@pytest.mark.usefixtures("blob")
def test_an_archive_in_good_order_has_no_findings(hilum: Run) -> None:
    result = hilum("verify")

    assert (result.exit_code, result.stdout) == (ExitStatus.SUCCESS, "")
    assert "3 instances checked, 0 findings not repaired." in result.stderr


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


def test_a_lost_index_is_rebuilt_from_the_blobs(data: Path, hilum: Run, blob: Path) -> None:
    for file in data.glob("index.db*"):
        file.unlink()
    prepare_beside_server(Settings(data=data))

    found, repaired, after = hilum("verify"), hilum("verify", "--repair"), hilum("verify")

    assert found.stdout.count("lost row: ") == 3
    assert repaired.stdout.count("(repaired)") == 3
    assert (found.exit_code, repaired.exit_code, after.exit_code) == (1, 0, 0)
    assert blob.exists()
