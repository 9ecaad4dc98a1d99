from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import servers
from command_line import HILUM
from workitems import PERFORMED, workitem


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.running(tmp_path_factory.mktemp("worklist") / "data") as running:
        yield running


def run(server: servers.Server, *arguments: str, text: str = "", status: int = 0) -> str:
    command = [*HILUM, "worklist", *arguments, "--url", server.url]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


def test_a_workitem_is_brought_from_creation_to_completion(server: servers.Server) -> None:
    uid = run(server, "create", "--label", "Segment", "--worklist", "CLI", "--study", "1.2.3").strip()
    assert run(server, "list", "WorklistLabel=CLI").startswith(f"{uid}\tSCHEDULED\tMEDIUM\t")

    transaction = run(server, "claim", uid).strip()
    run(server, "progress", uid, "40", "--transaction", transaction, "--description", "half way")
    assert '"half way"' in run(server, "show", uid)
    run(server, "complete", uid, "--transaction", transaction, "--station", "S1", "--work", "W1")

    assert run(server, "list", "WorklistLabel=CLI").split("\t")[:2] == [uid, "COMPLETED"]
    assert run(server, "list", "WorklistLabel=none at all") == ""


def test_files_say_what_options_do_not(server: servers.Server, tmp_path: Path) -> None:
    performed = tmp_path / "performed.json"
    performed.write_text(json.dumps(PERFORMED))
    uid = run(server, "create", "-", text=json.dumps(workitem())).strip()
    transaction = run(server, "claim", uid, "--transaction", "1.2.3").strip()

    run(server, "complete", uid, "--transaction", transaction, "--performed", str(performed))

    assert transaction == "1.2.3"
    assert "COMPLETED" in run(server, "show", uid)


def test_a_workitem_is_canceled_by_request_and_by_its_performer(server: servers.Server) -> None:
    asked = run(server, "create", "--label", "A").strip()
    performed = run(server, "create", "--label", "B").strip()
    transaction = run(server, "claim", performed).strip()

    run(server, "cancel", asked, "--reason", "not needed")
    run(server, "cancel", performed, "--transaction", transaction)

    assert '"not needed"' in run(server, "show", asked)
    assert "CANCELED" in run(server, "show", performed)


def test_what_the_server_refuses_is_told(server: servers.Server, tmp_path: Path) -> None:
    assert "404" in run(server, "show", "1.2.3", status=2)
    assert "400" in run(server, "list", "Nonsense=1", status=2)
    assert "attribute=value" in run(server, "list", "Nonsense", status=2)
    assert "--label" in run(server, "create", status=2)
    assert "no JSON" in run(server, "create", "-", text="{", status=2)
    assert "cannot be read" in run(server, "create", str(tmp_path / "none.json"), status=2)
    command = [*HILUM, "worklist", "list", "--url", f"http://127.0.0.1:{servers.free_port()}"]
    unreachable = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (unreachable.returncode, "cannot be asked" in unreachable.stderr) == (2, True)
