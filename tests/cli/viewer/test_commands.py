from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hilum.cli.invocation.failures import CommandFailed, ExitStatus
from hilum.cli.main import app
from hilum.cli.viewer import commands
from hilum.viewer.release import Release
from viewer_packages import FILES, packed, release_of


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "viewer.tgz"
    path.write_bytes(packed(FILES))
    return path


@pytest.fixture
def viewer(tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `hilum viewer ...`; the release is the small package."""
    monkeypatch.setattr(commands, "OHIF", release_of(archive.read_bytes(), "1.2.3"))

    def run(*arguments: object) -> Result:
        command = ["viewer", *map(str, arguments), "--data", str(tmp_path / "data")]
        result = CliRunner().invoke(app, command)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def test_a_viewer_is_installed_looked_at_and_removed(viewer: Callable[..., Result], archive: Path) -> None:
    before = viewer("status")
    installed = viewer("install", "--from", archive)
    status = viewer("status")
    removed = viewer("remove")
    again = viewer("remove")

    assert before.exit_code == ExitStatus.INCOMPLETE
    assert before.stdout == "No viewer is installed: `hilum viewer install` installs one.\n"
    assert installed.stdout.startswith("Installed @ohif/app 1.2.3, build ")
    assert (status.exit_code, status.stdout.split(",")[0]) == (0, "Installed: @ohif/app 1.2.3")
    assert removed.stdout == "The viewer is removed.\n"
    assert again.stdout == "No viewer was installed.\n"


def test_status_names_what_is_damaged_or_old(
    viewer: Callable[..., Result], archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer("install", "--from", archive)
    monkeypatch.setattr(commands, "OHIF", Release("@ohif/app", "2.0.0", 1, ""))
    old = viewer("status")
    next((tmp_path / "data" / "viewer").glob("*/app.bundle.css")).unlink()
    damaged = viewer("status")
    (tmp_path / "data" / "viewer" / "installed.json").write_bytes(b"{")
    broken = viewer("status")

    assert "installs 2.0.0: `hilum viewer install` updates it" in old.stdout
    assert (damaged.exit_code, broken.exit_code) == (ExitStatus.INCOMPLETE, ExitStatus.INCOMPLETE)
    assert "such as app.bundle.css" in damaged.stdout
    assert "install it again" in broken.stdout


def test_another_archive_is_refused_and_installs_nothing(viewer: Callable[..., Result], tmp_path: Path) -> None:
    other = tmp_path / "other.tgz"
    other.write_bytes(packed({"dist/a.js": b"other"}))

    with pytest.raises(CommandFailed, match=r"is not @ohif/app 1\.2\.3"):
        viewer("install", "--from", other)
    with pytest.raises(CommandFailed, match="cannot be used: No such file"):
        viewer("install", "--from", tmp_path / "none.tgz")

    assert viewer("status").exit_code == ExitStatus.INCOMPLETE
