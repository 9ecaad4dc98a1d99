"""The walk-through of the README is run as a reader would, and gives what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import servers

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"```(sh|python|text)\n(.*?)```", re.DOTALL)
MARK = "-- the last command starts here --"


def walk_through() -> list[tuple[str, str]]:
    """Return the blocks between the headings, as language and text."""
    section = README.read_text().split("## Store, search, retrieve")[1].split("\n## ")[0]
    return BLOCK.findall(section)


def run_shell(blocks: list[str]) -> str:
    """Run the last block with the variables that all before it have set."""
    *before, last = blocks
    settings = [line for block in before for line in block.splitlines() if re.match(r"[A-Z]+=", line)]
    script = "\n".join(["set -e", *settings, f"echo '{MARK}'", last])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(MARK + "\n")[1]


def run_python(text: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_walk_through_gives_what_it_says(tmp_path: Path) -> None:
    with servers.running(tmp_path / "data") as server:
        here = f"127.0.0.1:{server.port}"
        shell: list[str] = []
        output, compared = "", 0
        for language, text in walk_through():
            command = text.replace("127.0.0.1:8080", here).replace(".venv/bin/python", sys.executable)
            if language == "sh":
                shell.append(command)
                output = run_shell(shell)
            elif language == "python":
                output = run_python(command)
            else:
                compared += 1
                assert output.replace(here, "127.0.0.1:8080").strip() == text.strip()

    assert compared >= 5
