from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, KeyObjectSelectionDocumentStorage
from typer.testing import CliRunner

from command_line import write_objects
from hilum.cli.main import app
from servers import Server, running

STUDY, SERIES = "1.2.4.1", "1.2.4.1.1"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("get") / "in"
    write_objects(folder, 7, study=STUDY, series=SERIES)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sent: Path) -> Iterator[Server]:
    settings = {"SEARCH__MAX_RESULTS": "3"}
    with running(tmp_path_factory.mktemp("get") / "data", settings=settings) as one:
        assert CliRunner().invoke(app, ["send", one.url, str(sent)]).exit_code == 0
        yield one


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def fetched(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.dcm")}


def test_a_study_comes_whole_though_the_server_cuts_its_lists(server: Server, sent: Path, tmp_path: Path) -> None:
    status, output = run("get", server.url, "--study", STUDY, "-o", tmp_path)

    assert status == 0, output
    assert fetched(tmp_path / STUDY / SERIES) == fetched(sent)


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    run("get", server.url, "--study", STUDY, "--series", SERIES, "-o", tmp_path)
    next(tmp_path.rglob("*.dcm")).unlink()

    status, output = run("get", server.url, "--study", STUDY, "-o", tmp_path)

    assert status == 0
    assert output.startswith("1 fetched, 6 there already, 0 failed")


def test_studies_are_found_by_their_attributes(server: Server, sent: Path, tmp_path: Path) -> None:
    status, _ = run("get", server.url, "--query", "PatientID=P1", "-o", tmp_path)

    assert status == 0
    assert fetched(tmp_path) == fetched(sent)


def test_one_instance_comes_in_the_asked_transfer_syntax(server: Server, tmp_path: Path) -> None:
    uid = f"{SERIES}.100000"

    status, _ = run(
        "get",
        server.url,
        "--study",
        STUDY,
        "--series",
        SERIES,
        "--instance",
        uid,
        "-o",
        tmp_path,
        "--transfer-syntax",
        ExplicitVRLittleEndian,
    )

    assert status == 0
    assert list(fetched(tmp_path)) == [f"{uid}.dcm"]


def manifest(study: str, *uids: str) -> bytes:
    document = Dataset()
    document.file_meta = FileMetaDataset()
    document.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    document.file_meta.MediaStorageSOPClassUID = document.SOPClassUID = KeyObjectSelectionDocumentStorage
    document.file_meta.MediaStorageSOPInstanceUID = document.SOPInstanceUID = UID("1.2.4.9")
    evidence, series = Dataset(), Dataset()
    evidence.StudyInstanceUID, series.SeriesInstanceUID = study, SERIES
    series.ReferencedSOPSequence = []
    for uid in uids:
        item = Dataset()
        item.ReferencedSOPInstanceUID = uid
        series.ReferencedSOPSequence.append(item)
    evidence.ReferencedSeriesSequence = [series]
    document.CurrentRequestedProcedureEvidenceSequence = [evidence]
    buffer = io.BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_a_manifest_names_the_instances_and_what_is_missing_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "kos.dcm").write_bytes(manifest(STUDY, f"{SERIES}.100001", f"{SERIES}.999999"))

    status, output = run("get", server.url, "--manifest", tmp_path / "kos.dcm", "-o", tmp_path / "out")

    assert status == 1
    assert list(fetched(tmp_path / "out")) == [f"{SERIES}.100001.dcm"]
    assert "The server answered 404" in output


def test_a_manifest_with_paths_in_place_of_uids_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kos.dcm").write_bytes(manifest("1.2.4.7777", "1.2.4.8").replace(b"1.2.4.7777", b"../../etcx"))

    result = CliRunner().invoke(
        app, ["get", "http://127.0.0.1:9", "--manifest", str(tmp_path / "kos.dcm"), "-o", str(tmp_path / "out")]
    )

    assert "no UID" in str(result.exception)


def test_an_unknown_study_is_a_failure(server: Server, tmp_path: Path) -> None:
    status, output = run("get", server.url, "--study", "1.2.4.77", "-o", tmp_path)

    assert status == 1
    assert "knows no instance" in output


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--study", "1.2", "--query", "PatientID=1"),
        ("--series", "1.2"),
        ("--study", "1.2", "--instance", "1.2"),
        ("--study", "../x"),
        ("--query", "PatientID"),
        ("--study", "1.2", "--transfer-syntax", "JPEG"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, ["get", "http://127.0.0.1:9", "-o", str(tmp_path), *options])

    assert type(result.exception).__name__ == "CommandFailed"
