from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from hilum.app import open_archive
from hilum.config import Settings

Run = Callable[..., Result]


def test_the_well_known_palettes_are_stored_once(tmp_path: Path, hilum: Run) -> None:
    first, again = hilum("palettes"), hilum("palettes")

    assert (first.exit_code, first.stdout) == (0, "8 color palettes are stored.\n")
    assert (again.exit_code, again.stdout) == (0, "8 color palettes are stored.\n")
    with open_archive(Settings(data=tmp_path / "data")) as archive:
        found = archive.index.non_patients.find("color-palettes", "1.2.840.10008.1.5.1")
    assert found.path == "/color-palettes/1.2.840.10008.1.5.1"
