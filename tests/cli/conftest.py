from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from command_line import write_objects
from hilum.cli.demo import load_folder
from hilum.cli.invocation.archives import prepare_beside_server
from hilum.cli.main import app
from hilum.config import Settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def hilum(data: Path) -> Callable[..., Result]:
    """Run a command of `hilum` on the test's data folder, in this process."""

    def run(command: str, *arguments: object) -> Result:
        result = CliRunner().invoke(app, [command, *map(str, arguments), "--data", str(data)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def stored(tmp_path: Path, data: Path) -> list[str]:
    """Store three instances of one series; return their UIDs. Their files are in the folder `in`."""
    uids = write_objects(tmp_path / "in", 3)
    prepare_beside_server(Settings(data=data))
    assert load_folder(tmp_path / "in", Settings(data=data)) == 3
    return uids
