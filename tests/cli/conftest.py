from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hilum.cli.main import app


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
