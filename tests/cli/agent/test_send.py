from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from command_line import part10, write_objects
from hilum.cli.main import app
from hilum.dicom.uids import is_uid
from servers import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("send") / "data") as one:
        yield one


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_a_folder_arrives_and_the_report_names_each_file(server: Server, tmp_path: Path) -> None:
    uids = write_objects(tmp_path / "in", 25, study="1.2.3.1", series="1.2.3.1.1")

    status, output = run("send", server.url, tmp_path / "in", "--batch", 10, "--report", tmp_path / "report.json")

    assert status == 0, output
    assert output.endswith("25 sent, 0 failed; 0.0 MB.\n")
    report = json.loads((tmp_path / "report.json").read_text())
    assert {item["url"].rpartition("/")[2] for item in report["items"]} == set(uids)
    with server.client(Accept="application/dicom+json") as client:
        assert len(client.get("/studies/1.2.3.1/instances").json()) == 25


def test_one_bad_object_costs_no_other_and_is_named_with_its_reason(server: Server, tmp_path: Path) -> None:
    write_objects(tmp_path / "in", 3, study="1.2.3.2", series="1.2.3.2.1")
    (tmp_path / "in" / "bad.dcm").write_bytes(part10("1.2.3.2.9")[:-200])
    (tmp_path / "in" / "letter.txt").write_text("no DICOM")

    status, output = run("send", server.url, tmp_path / "in")

    assert status == 1
    assert "bad.dcm: " in output
    assert output.endswith("3 sent, 1 skipped, 1 failed; 0.0 MB.\n")


def test_a_journal_lets_a_transfer_go_on(server: Server, tmp_path: Path) -> None:
    write_objects(tmp_path / "in", 2, study="1.2.3.3", series="1.2.3.3.1")
    run("send", server.url, tmp_path / "in", "--journal", tmp_path / "journal")
    (tmp_path / "in" / "new.dcm").write_bytes(part10("1.2.3.3.8", study="1.2.3.3", series="1.2.3.3.1"))

    status, output = run("send", server.url, tmp_path / "in", "--journal", tmp_path / "journal")

    assert status == 0
    assert "1 sent, 2 sent before, 0 failed" in output


def test_objects_of_another_study_than_the_named_one_fail(server: Server, tmp_path: Path) -> None:
    write_objects(tmp_path / "in", 2, study="1.2.3.4", series="1.2.3.4.1")

    status, output = run("send", server.url, tmp_path / "in", "--study", "1.2.3.5")

    assert status == 1
    assert "2 failed" in output
    assert "A900H" in output


def test_a_server_that_is_not_there_fails_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hilum.cli.agent.peer._FIRST_PAUSE_S", 0.001)
    write_objects(tmp_path / "in", 1)

    status, output = run("send", "http://127.0.0.1:9/dicomweb", tmp_path / "in")

    assert status == 1
    assert "cannot be reached" in output


@pytest.mark.parametrize(
    "wrong", [("--study", "no uid"), ("--set", "PatientID"), ("--set", "NoSuchThing=1"), ("--token-file", "/no/file")]
)
def test_wrong_options_are_refused_before_anything_is_sent(tmp_path: Path, wrong: tuple[str, str]) -> None:
    result = CliRunner().invoke(app, ["send", "http://127.0.0.1:9/dicomweb", str(tmp_path), *wrong])

    assert type(result.exception).__name__ == "CommandFailed"


def test_plain_files_without_a_patient_are_not_sent_from_a_script(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n")

    result = CliRunner().invoke(app, ["send", server.url, str(tmp_path / "a.pdf")])

    assert "Patient ID is needed" in str(result.exception)
    assert is_uid("1.2.3")
