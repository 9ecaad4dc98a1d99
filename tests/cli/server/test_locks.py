from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hilum.cli.failures import CommandFailed
from hilum.cli.server import locks
from hilum.cli.server.locks import server_lock


@contextmanager
def other_process(body: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `body` in a process that then waits for its standard input to close."""
    program = f"""
        import sys
        from pathlib import Path
        from hilum.cli.server.locks import hold_as_worker, server_lock
        folder = Path(sys.argv[1])
        {body}
        print("ready", flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_second_server_on_a_folder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    held = "lock = server_lock(folder); lock.__enter__()"

    with (
        other_process(held, tmp_path) as first,
        pytest.raises(CommandFailed, match=f"process {first.pid}"),
        server_lock(tmp_path),
    ):
        pass


def test_a_killed_server_leaves_no_lock(tmp_path: Path) -> None:
    with other_process("lock = server_lock(folder); lock.__enter__()", tmp_path) as first:
        first.kill()
        first.wait()

        with server_lock(tmp_path):
            assert (tmp_path / "server.lock").read_text() == f"{os.getpid()}\n"


def test_workers_of_a_killed_server_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_WORKERS_PATIENCE_S", 0.1)

    with other_process("hold_as_worker(folder)", tmp_path) as worker:
        with pytest.raises(CommandFailed, match="workers of an earlier server"), server_lock(tmp_path):
            pass
        worker.kill()
        worker.wait()

        with server_lock(tmp_path):
            pass
