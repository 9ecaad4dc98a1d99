from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version


def test_the_package_runs_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hilum", "--version"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, f"hilum {version('hilum')}\n", "")
