from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil

from command_line import HILUM, write_objects


def test_a_worker_that_dies_costs_no_object(tmp_path: Path, data: Path) -> None:
    write_objects(tmp_path / "in", 300)
    command = [*HILUM, "import", str(tmp_path / "in"), "--data", str(data), "--processes", "1"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        worker = first_worker(process.pid)
        time.sleep(0.3)
        worker.kill()
        output, _ = process.communicate(timeout=60)

    stored = sum(int(part.split()[0]) for part in output.split(", ")[:2])
    assert (process.returncode, stored) == (0, 300)


def first_worker(pid: int) -> psutil.Process:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children():
            if "spawn_main" in " ".join(child.cmdline()):
                return child
        time.sleep(0.02)
    raise AssertionError
