from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner, Result

from dicomweb import store
from hilum.cli.main import app
from samples import make_object
from servers import Server, free_port, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("check") / "data") as one:
        yield one


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def verdicts(result: Result) -> dict[str, str]:
    return {one["title"]: one["verdict"] for one in json.loads(result.stdout)["checks"]}


def test_an_empty_server_is_not_blamed_for_what_cannot_be_seen(tmp_path: Path) -> None:
    with running(tmp_path / "data") as empty:
        result = check(empty.url, "--format", "json")

    assert result.exit_code == 0
    assert set(verdicts(result).values()) == {"passed", "skipped"}
    assert verdicts(result)["Search for Studies finds a study by its UID"] == "skipped"


def test_this_server_passes_all_that_is_checked(server: Server) -> None:
    result = check(server.url, "--write", "--format", "json")

    assert {title: verdict for title, verdict in verdicts(result).items() if verdict != "passed"} == {}
    assert result.exit_code == 0


def test_without_write_nothing_is_stored(server: Server) -> None:
    with server.client() as client:
        assert store(client, make_object(PatientID="KEPT")).status_code == 200
        before = client.get("/instances?limit=1000", headers={"Accept": "application/dicom+json"}).content

        result = check(server.url, "--format", "json")

        assert client.get("/instances?limit=1000", headers={"Accept": "application/dicom+json"}).content == before
    assert "failed" not in verdicts(result).values()


def test_a_server_that_is_away_fails_and_the_card_says_so(tmp_path: Path) -> None:
    card = tmp_path / "card.xml"

    result = check(f"http://127.0.0.1:{free_port()}/dicomweb", "--format", "junit", "-o", str(card))

    suite = etree.fromstring(card.read_bytes())
    assert result.exit_code == 1
    assert int(suite.get("failures", "0")) == len(suite.findall("testcase/failure")) > 0
    assert "ConnectError" in card.read_text()


def test_what_is_no_url_and_what_cannot_be_written_are_told(server: Server, tmp_path: Path) -> None:
    assert check("ftp://host").exit_code != 0
    assert check(server.url, "-o", str(tmp_path / "no" / "card")).exit_code != 0
