"""The server's own OpenAPI document against the server: no 5xx, no status and no media type that it does not name.

`SCHEMATHESIS_MINUTES` says how long; a few seconds show that document and server belong together.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import running

pytestmark = pytest.mark.prove

HOOKS = Path(__file__).parents[1] / "schemathesis_hooks.py"
MINUTES = float(os.environ.get("SCHEMATHESIS_MINUTES", "10"))
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_the_document_describes_what_the_server_does(tmp_path: Path) -> None:
    settings = {"STORE__RESERVE_BYTES": "0", "TRASH__HTTP_DELETE": "true"}
    with running(tmp_path / "data", settings=settings, options=("--demo",)) as server:
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.origin}/openapi.json"),
            *("--checks", CHECKS, "--continue-on-failure", "--max-examples", "100000", "--phases", "examples,fuzzing"),
            *("--max-time", str(int(MINUTES * 60)), "--request-timeout", "30", "--suppress-health-check", "all"),
        ]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=MINUTES * 60 + 300,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)},
        )
    print(done.stdout[-2000:])  # noqa: T201 - the figures of the run

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
