"""The Storage Commitment Service over HTTP (PS3.18 chapter 13)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from lxml import etree
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

from command_line import part10
from dicomweb import JSON, store
from servers import Server, running

CLASS = str(SecondaryCaptureImageStorage)
SENT = {"Content-Type": "application/dicom+json", **JSON}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"COMMITMENT__AT_ONCE": "3", "TRASH__HTTP_DELETE": "true", "STORE__DUPLICATES": "replace"}
    with running(tmp_path_factory.mktemp("commitment") / "data", settings=settings) as one:
        yield one


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as one:
        yield one


def stored(client: httpx.Client, count: int = 1) -> tuple[str, str, list[str]]:
    """Store instances of one series; return the UIDs of study, series and instances."""
    study, series = str(generate_uid()), str(generate_uid())
    uids = [str(generate_uid()) for _ in range(count)]
    objects = [part10(uid, study=study, series=series) for uid in uids]
    assert store(client, *objects).status_code == 200
    return study, series, uids


def sop_request(*uids: str, sop_class: str = CLASS) -> bytes:
    items = [{"00081150": {"vr": "UI", "Value": [sop_class]}, "00081155": {"vr": "UI", "Value": [uid]}} for uid in uids]
    return orjson.dumps([{"00081199": {"vr": "SQ", "Value": items}}])


def study_request(study: str, series: str, *uids: str) -> bytes:
    instances = [{"00081155": {"vr": "UI", "Value": [uid]}} for uid in uids]
    by_class = {"00081150": {"vr": "UI", "Value": [CLASS]}, "0008114A": {"vr": "SQ", "Value": instances}}
    of_series = {"0020000E": {"vr": "UI", "Value": [series]}, "00081112": {"vr": "SQ", "Value": [by_class]}}
    of_study = {"0020000D": {"vr": "UI", "Value": [study]}, "00081115": {"vr": "SQ", "Value": [of_series]}}
    return orjson.dumps({"00081110": {"vr": "SQ", "Value": [of_study]}})


def ask(client: httpx.Client, content: bytes, uid: str = "", **headers: str) -> httpx.Response:
    return client.post(f"/commitment-requests/{uid or generate_uid()}", content=content, headers={**SENT, **headers})


def failures(module: dict[str, Any]) -> dict[str, int]:
    items = module.get("00081198", {}).get("Value", [])
    return {item["00081155"]["Value"][0]: item["00081197"]["Value"][0] for item in items}


def committed(module: dict[str, Any]) -> list[str]:
    return [item["00081155"]["Value"][0] for item in module.get("00081199", {}).get("Value", [])]


@pytest.mark.requirement("SC-01", "SC-02", "SC-05", "SC-21")
def test_what_is_stored_is_committed_and_what_is_not_is_told(client: httpx.Client) -> None:
    _, _, (uid,) = stored(client)

    answer = ask(client, sop_request(uid, "1.2.3.404"), "1.2.3.100")

    assert answer.status_code == 200
    assert committed(answer.json()) == [uid]
    assert failures(answer.json()) == {"1.2.3.404": 0x0112}
    assert "1.2.3.100" not in answer.text


@pytest.mark.requirement("SC-05", "SC-22")
def test_an_instance_of_another_class_is_not_the_one_that_is_meant(client: httpx.Client) -> None:
    _, _, (uid,) = stored(client)

    answer = ask(client, sop_request(uid, sop_class="1.2.840.10008.5.1.4.1.1.2"))

    assert (answer.status_code, failures(answer.json())) == (200, {uid: 0x0119})


@pytest.mark.requirement("SC-20", "SC-21")
def test_instances_are_named_by_study_and_answered_in_kind(client: httpx.Client) -> None:
    study, series, (uid,) = stored(client)

    right = ask(client, study_request(study, series, uid)).json()
    elsewhere = ask(client, study_request(study, "1.2.3.405", uid)).json()

    (found,) = right["00081110"]["Value"]
    assert found["0020000D"]["Value"] == [study]
    by_class = found["00081115"]["Value"][0]["00081112"]["Value"][0]
    assert by_class["0008114A"]["Value"][0]["00081155"]["Value"] == [uid]
    (failed,) = elsewhere["0008119B"]["Value"]
    item = failed["00081115"]["Value"][0]["00081112"]["Value"][0]["0008114A"]["Value"][0]
    assert item["00081197"]["Value"] == [0x0112]


@pytest.mark.requirement("SC-14")
def test_a_flipped_bit_fails_that_instance_and_no_other(client: httpx.Client, server: Server) -> None:
    _, _, uids = stored(client, 3)
    path = next(path for path in (server.data / "blobs").rglob("*.dcm") if uids[1].encode() in path.read_bytes())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)

    answer = ask(client, sop_request(*uids))

    assert failures(answer.json()) == {uids[1]: 0x0110}
    assert committed(answer.json()) == [uids[0], uids[2]]


@pytest.mark.requirement("SC-14")
def test_what_is_committed_can_neither_be_deleted_nor_replaced(client: httpx.Client) -> None:
    study, series, (uid,) = stored(client)
    ask(client, sop_request(uid))

    deleted = client.delete(f"/studies/{study}")
    replaced = store(client, part10(uid, study=study, series=series, pixels=b"\7\7"))

    assert deleted.status_code == 409
    assert replaced.status_code == 409
    assert client.get(f"/studies/{study}/metadata", headers=JSON).status_code == 200


def later(client: httpx.Client, uid: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = client.get(f"/commitment-requests/{uid}", headers=JSON)
        if answer.status_code != 202:
            return answer
        assert answer.headers["retry-after"].isdigit()
        time.sleep(0.2)
    raise AssertionError


@pytest.mark.requirement("SC-06", "SC-12", "SC-13")
def test_a_large_request_is_worked_on_later(client: httpx.Client) -> None:
    _, _, uids = stored(client, 4)

    accepted = ask(client, sop_request(*uids, "1.2.3.404"), "1.2.3.101")
    answer, again = later(client, "1.2.3.101"), later(client, "1.2.3.101")

    assert (accepted.status_code, accepted.content) == (202, b"")
    assert sorted(committed(answer.json())) == sorted(uids)
    assert failures(answer.json()) == {"1.2.3.404": 0x0112}
    assert answer.json() == again.json()


@pytest.mark.requirement("SC-08", "SC-16")
def test_a_transaction_uid_is_used_once(client: httpx.Client) -> None:
    _, _, (uid,) = stored(client)

    first, second = (ask(client, sop_request(uid), "1.2.3.102") for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 409)


@pytest.mark.requirement("SC-12")
def test_an_unknown_transaction_uid_is_not_found(client: httpx.Client) -> None:
    assert client.get("/commitment-requests/1.2.3.999", headers=JSON).status_code == 404


@pytest.mark.requirement("SC-13")
def test_results_survive_a_restart_and_open_requests_are_taken_up(tmp_path: Path) -> None:
    settings = {"COMMITMENT__AT_ONCE": "0"}
    with running(tmp_path / "data", settings=settings) as first:
        with first.client() as client:
            _, _, (uid,) = stored(client)
            assert ask(client, sop_request(uid), "1.2.3.103").status_code == 202
        first.kill()
    with running(tmp_path / "data", settings=settings) as second, second.client() as client:
        assert committed(later(client, "1.2.3.103").json()) == [uid]


@pytest.mark.requirement("SC-04", "SC-15")
def test_requests_and_answers_come_in_xml_too(client: httpx.Client) -> None:
    _, _, (uid,) = stored(client)
    body = (
        '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">'
        '<DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence"><Item number="1">'
        f'<DicomAttribute tag="00081150" vr="UI"><Value number="1">{CLASS}</Value></DicomAttribute>'
        f'<DicomAttribute tag="00081155" vr="UI"><Value number="1">{uid}</Value></DicomAttribute>'
        "</Item></DicomAttribute></NativeDicomModel>"
    )

    answer = ask(client, body.encode(), **{"Content-Type": "application/dicom+xml", "Accept": "application/dicom+xml"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+xml"
    root = etree.fromstring(answer.content)
    assert uid in [value.text for value in root.iter("{*}Value")]


@pytest.mark.requirement("SC-04", "SC-07")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"00081199":{"vr":"SQ"}}',
        b'{"00081199":{"vr":"SQ","Value":[{}]}}',
        sop_request("../x"),
        sop_request("1.2.3").replace(b"]}", b',"1.2"]}'),
        orjson.dumps({**orjson.loads(study_request("1.2", "1.3", "1.4")), **orjson.loads(sop_request("1.2"))[0]}),
        study_request("1.2", "1.3"),
        b"[" * 100_000,
    ],
)
def test_what_names_no_instances_is_refused(client: httpx.Client, content: bytes) -> None:
    answer = ask(client, content, "1.2.3.104")

    assert answer.status_code == 400
    assert client.get("/commitment-requests/1.2.3.104", headers=JSON).status_code == 404


@pytest.mark.requirement("SC-03", "SC-07")
def test_headers_and_paths_are_checked(client: httpx.Client) -> None:
    content = sop_request("1.2.3")

    assert client.post("/commitment-requests/no-uid", content=content, headers=SENT).status_code == 400
    assert client.get("/commitment-requests/no-uid", headers=JSON).status_code == 400
    assert ask(client, content, **{"Content-Type": "text/plain"}).status_code == 415
    assert ask(client, content, Accept="text/html").status_code == 406


@pytest.mark.requirement("SC-10", "SC-11")
@pytest.mark.parametrize("accept", ["application/dicom+json", "application/dicom+xml"])
def test_a_result_check_has_no_payload_and_answers_in_the_form_of_its_accept(client: httpx.Client, accept: str) -> None:
    _, _, (uid,) = stored(client)
    transaction_uid = str(generate_uid())
    asked = ask(client, sop_request(uid), transaction_uid, Accept=accept)

    checked = client.get(f"/commitment-requests/{transaction_uid}", headers={"Accept": accept})

    assert checked.content == asked.content
    for answer in (asked, checked):
        assert answer.headers["content-type"] == accept
        assert int(answer.headers["content-length"]) == len(answer.content) > 0


@pytest.mark.requirement("SC-10")
def test_what_is_not_finished_says_when_to_ask_again(client: httpx.Client) -> None:
    _, _, uids = stored(client, 4)

    later = ask(client, sop_request(*uids))

    assert (later.status_code, later.content) == (202, b"")
    assert int(later.headers["retry-after"]) > 0
