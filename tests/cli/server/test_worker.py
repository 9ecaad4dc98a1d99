from __future__ import annotations

from pathlib import Path

from hilum.cli.server.worker import load_application
from hilum.config import Settings


def test_the_application_is_made_from_the_settings(data: Path) -> None:
    # No process started this one, so there is none to end with.
    assert callable(load_application(Settings(data=data)))
