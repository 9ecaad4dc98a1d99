from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pydicom
import pytest
from typer.testing import CliRunner, Result

from command_line import SERIES, STUDY, write_objects
from dicomweb import store
from hilum.cli.invocation.failures import CommandFailed
from hilum.cli.main import app
from servers import running
from soap_messages import DOCUMENTS, PLAIN, documents_body, envelope, reply_of

Run = Callable[..., Result]
TEXT = {
    "HILUM_SOAP__REPOSITORY_UNIQUE_ID": "1.2.3.4.5",
    "HILUM_SOAP__HOME_COMMUNITY_ID": "urn:oid:1.2.3",
    "HILUM_HTTP__PUBLIC_URL": "https://pacs.example.org",
}


@pytest.mark.requirement("IHE-XDSI-05", "IHE-XDSI-08")
def test_a_manifest_names_every_instance_and_the_archive(
    tmp_path: Path, hilum: Run, stored: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TEXT.items():
        monkeypatch.setenv(name, value)

    result = hilum("manifest", STUDY, "-o", tmp_path / "kos.dcm")

    assert result.stdout == "3 instances named\n"
    document = pydicom.dcmread(tmp_path / "kos.dcm")
    assert (document.Modality, document.StudyInstanceUID, document.PatientID) == ("KO", STUDY, "P1")
    assert document.ConceptNameCodeSequence[0].CodeValue == "113030"
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "2010"
    (evidence,) = document.CurrentRequestedProcedureEvidenceSequence
    (series,) = evidence.ReferencedSeriesSequence
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence] == stored
    assert series.RetrieveURL == f"https://pacs.example.org/dicomweb/studies/{STUDY}/series/{SERIES}"
    assert (series.RetrieveLocationUID, series.HomeCommunityID) == ("1.2.3.4.5", "1.2.3")
    assert [item.ValueType for item in document.ContentSequence] == ["IMAGE"] * 3


def test_what_is_not_set_is_left_out_and_files_are_never_replaced(
    tmp_path: Path, hilum: Run, stored: list[str]
) -> None:
    hilum("manifest", STUDY, "-o", tmp_path / "kos.dcm")

    (evidence,) = pydicom.dcmread(tmp_path / "kos.dcm").CurrentRequestedProcedureEvidenceSequence
    assert stored
    assert "RetrieveURL" not in evidence.ReferencedSeriesSequence[0]
    with pytest.raises(CommandFailed):
        hilum("manifest", STUDY, "-o", tmp_path / "kos.dcm")


@pytest.mark.parametrize("name", [SERIES, f"{STUDY}/{SERIES}"])
def test_a_series_has_no_manifest(tmp_path: Path, hilum: Run, stored: list[str], name: str) -> None:
    assert stored
    with pytest.raises(CommandFailed):
        hilum("manifest", name, "-o", tmp_path / "kos.dcm")


@pytest.mark.requirement("IHE-XDSI-01", "IHE-XDSI-05")
def test_a_study_is_published_found_and_retrieved_by_its_manifest(tmp_path: Path) -> None:
    write_objects(tmp_path / "in", 3)
    settings = {"SOAP__REPOSITORY_UNIQUE_ID": "1.2.3.4.5", "SOAP__STRICT_REPOSITORY": "true"}
    with running(tmp_path / "data", settings=settings) as server, server.client() as client:
        objects = {path.stem: path.read_bytes() for path in (tmp_path / "in").iterdir()}
        assert store(client, *objects.values()).status_code == 200
        for number in (1, 2):
            _make(tmp_path / f"kos{number}.dcm", server.data)
            assert store(client, (tmp_path / f"kos{number}.dcm").read_bytes()).status_code == 200
        found = client.get(f"/studies/{STUDY}/series", params={"Modality": "KO"}).json()
        fetched = CliRunner().invoke(
            app, ["get", server.url, "--manifest", str(tmp_path / "kos2.dcm"), "-o", str(tmp_path / "out")]
        )
        reply = _retrieved(server.origin, tmp_path / "kos2.dcm")

    assert len(found) == 2
    assert fetched.exit_code == 0, fetched.output
    assert {path.stem: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")} == objects
    # The second manifest does not name the first.
    assert sorted(reply) == sorted(objects.values())


def _make(file: Path, data: Path) -> None:
    environment = {"HILUM_SOAP__REPOSITORY_UNIQUE_ID": "1.2.3.4.5"}
    result = CliRunner(env=environment).invoke(app, ["manifest", STUDY, "-o", str(file), "--data", str(data)])
    assert result.exit_code == 0, result.output


def _retrieved(origin: str, manifest: Path) -> list[bytes]:
    (evidence,) = pydicom.dcmread(manifest).CurrentRequestedProcedureEvidenceSequence
    places = [
        (str(evidence.StudyInstanceUID), str(series.SeriesInstanceUID), str(item.ReferencedSOPInstanceUID))
        for series in evidence.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    ]
    repository = str(evidence.ReferencedSeriesSequence[0].RetrieveLocationUID)
    body = documents_body(places).replace("1.3.6.1.4.1000", repository)
    answer = httpx.post(
        f"{origin}/wado-ws", content=envelope(body, DOCUMENTS), headers={"Content-Type": PLAIN}, trust_env=False
    )
    reply = reply_of(answer)
    assert reply.outcome == "Success"
    return reply.documents
