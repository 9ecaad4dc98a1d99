from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.server.locks import preparation, server_lock, without_server


@contextmanager
def other_process(body: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `body` in a process that then waits for its standard input to close."""
    program = f"""
        import sys
        from pathlib import Path
        from hilum.cli.server.locks import preparation, server_lock
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


def test_whether_a_server_runs_can_be_asked(tmp_path: Path) -> None:
    with without_server(tmp_path) as none_runs:
        assert none_runs

    with (
        other_process("lock = server_lock(folder); lock.__enter__()", tmp_path),
        without_server(tmp_path) as none_runs,
    ):
        assert not none_runs


def test_only_one_process_prepares_at_a_time(tmp_path: Path) -> None:
    with (
        other_process("lock = preparation(folder); lock.__enter__()", tmp_path) as first,
        ThreadPoolExecutor(1) as threads,
    ):
        waiting = threads.submit(prepare, tmp_path)
        time.sleep(0.2)
        assert not waiting.done()

        first.kill()

        assert waiting.result(5)


def prepare(folder: Path) -> bool:
    with preparation(folder):
        return True
