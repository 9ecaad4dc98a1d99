"""Input that no well-behaved user agent sends: the right status, a reason, nothing stored, and the server is well."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, RLELossless, generate_uid

import hostile
import servers
from dicomweb import JSON, OBJECTS, OBJECTS_AS_STORED, multipart_body, parts_of, path_of, store
from samples import PREFIX, encode, make_dataset, make_series

EVERYTHING = {"Accept": "*/*"}
THE_INSTANCE = f"/studies/{hostile.STUDY}/series/{hostile.SERIES}/instances/{hostile.INSTANCE}"


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server of its own, in which the valid object of these tests is never stored but by a defect."""
    settings = {"STORE__INFLATED_BYTES": str(64 << 20)}
    with servers.running(Path(tmp_path_factory.mktemp("victim")) / "data", settings=settings) as server:
        yield server


@pytest.fixture
def client(victim: servers.Server) -> Iterator[httpx.Client]:
    with victim.client() as client:
        yield client
        assert client.get("/studies?limit=1", headers=JSON).status_code in (200, 204)
    assert "Traceback" not in victim.log.read_text(errors="replace")


# An unknown syntax is kept and given out as it is: archives hold objects in private ones.
KEPT = {"object: unknown transfer syntax"}
UPLOADS = [one for one in (*hostile.unreadable_uploads(), *hostile.refused_uploads()) if one.name not in KEPT]


@pytest.mark.parametrize("upload", UPLOADS, ids=[upload.name for upload in UPLOADS])
def test_what_cannot_be_stored_is_refused_and_leaves_nothing(
    client: httpx.Client, victim: servers.Server, upload: hostile.Upload
) -> None:
    headers = {**JSON} | ({"Content-Type": upload.content_type} if upload.content_type else {})

    response = client.post("/studies", content=upload.body, headers=headers)

    assert response.status_code in upload.status
    assert response.content
    assert client.get(THE_INSTANCE, headers=OBJECTS_AS_STORED).status_code == 404
    assert list((victim.data / "staging").iterdir()) == []


def test_a_deflate_bomb_is_refused_in_little_memory(client: httpx.Client, victim: servers.Server) -> None:
    bomb = hostile.deflated_bomb(400 << 20)

    response = client.post("/studies", content=bomb, headers={**JSON, "Content-Type": "application/dicom"})

    peaks = [
        int(line.split()[1]) // 1024
        for pid in servers.descendants(victim.process.pid)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    assert response.status_code == 409
    assert max(peaks) < 400


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.50\r\nX-Injected: 1\r\n\r\n", "1.2.\xff", "1.2; x=y", "../1.2"])
def test_a_transfer_syntax_that_is_no_uid_is_refused(client: httpx.Client, uid: str) -> None:
    dataset = make_dataset()
    content = encode(dataset)
    raw = uid.encode("latin-1")
    old = b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"
    assert old in content
    content = content.replace(old, b"\x02\0\x10\0UI" + len(raw).to_bytes(2, "little") + raw)

    response = store(client, content)

    assert response.status_code == 409
    assert client.get(path_of(dataset), headers=OBJECTS_AS_STORED).status_code == 404


def test_an_object_without_preamble_is_given_out_with_one(client: httpx.Client) -> None:
    native, compressed = make_dataset(), make_dataset()
    encode(compressed)
    compressed.compress(RLELossless, generate_instance_uid=False)
    for dataset, syntax in ((native, None), (compressed, RLELossless)):
        content = encode(dataset, syntax) if syntax else encode(dataset)
        assert store(client, content[132:]).status_code == 200

        for accept in (OBJECTS, OBJECTS_AS_STORED):
            response = client.get(path_of(dataset), headers=accept)
            (part,) = parts_of(response)
            assert part.content[128:132] == b"DICM"
            assert int(part.headers["content-length"]) == len(part.content)


@pytest.mark.requirement("WADO-42", "WADO-71")
def test_one_image_that_cannot_be_decoded_costs_no_study(client: httpx.Client) -> None:
    datasets = make_series(3)
    for number, dataset in enumerate(datasets):
        encode(dataset)
        dataset.compress(RLELossless, generate_instance_uid=False)
        if number == 1:
            dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51 no image at all"])
    objects = [
        encode(dataset, JPEG2000Lossless if number == 1 else RLELossless) for number, dataset in enumerate(datasets)
    ]
    assert store(client, *objects).status_code == 200
    study = f"/studies/{datasets[0].StudyInstanceUID}"

    response = client.get(study, headers=OBJECTS)

    assert response.status_code == 206
    assert len(parts_of(response)) == 2
    assert client.get(path_of(datasets[1]), headers=OBJECTS).status_code == 406
    assert len(parts_of(client.get(study, headers=OBJECTS_AS_STORED))) == 3


def test_many_tiny_parts_fill_no_log(client: httpx.Client, victim: servers.Server) -> None:
    before = victim.log.stat().st_size
    body = multipart_body([b"x"] * 2000, hostile.BOUNDARY)

    response = client.post("/studies", content=body, headers={**JSON, "Content-Type": hostile.MULTIPART})

    assert response.status_code == 409
    assert victim.log.stat().st_size - before < 4096


PATHS = list(hostile.bad_paths())


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_a_bad_path_is_a_4xx_and_stores_nothing(client: httpx.Client, path: str) -> None:
    for method in ("GET", "HEAD", "DELETE", "PUT"):
        assert 400 <= raw_status(client, method, path) < 500


@pytest.mark.parametrize("query", hostile.BAD_QUERIES, ids=range(len(hostile.BAD_QUERIES)))
def test_a_bad_query_is_a_400_with_a_reason(client: httpx.Client, query: str) -> None:
    assert raw_status(client, "GET", f"/dicomweb/studies?{query}") == 400


def test_a_forged_host_is_refused(client: httpx.Client) -> None:
    for host in (
        "attacker.example",
        "attacker.example:8080",
        "127.0.0.1.attacker.example",
        "localhost@attacker.example",
    ):
        assert raw_status(client, "GET", "/dicomweb/studies", f"Host: {host}") in (400, 403)


@pytest.mark.parametrize("origin", hostile.FOREIGN_ORIGINS)
def test_a_page_of_another_origin_stores_and_reads_nothing(client: httpx.Client, origin: str) -> None:
    dataset = make_dataset()
    headers = {**JSON, "Content-Type": "application/dicom", "Origin": origin}

    stored = client.post("/studies", content=encode(dataset), headers=headers)
    read = client.get("/studies", headers={**JSON, "Origin": origin})

    assert stored.status_code == 403
    assert "access-control-allow-origin" not in read.headers
    assert client.get(path_of(dataset), headers=EVERYTHING).status_code == 404


def test_a_uid_that_is_unknown_is_found_nowhere(client: httpx.Client) -> None:
    unknown = generate_uid(PREFIX)

    assert client.get(f"/studies/{unknown}/metadata", headers=JSON).status_code == 404


def raw_status(client: httpx.Client, method: str, target: str, host: str = "") -> int:
    """Return the status of a request whose target is sent as it reads, which no HTTP library does."""
    port = client.base_url.port
    assert port is not None
    head = (
        f"{method} {target} HTTP/1.1\r\n{host or f'Host: 127.0.0.1:{port}'}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.sendall(head.encode("utf-8", "surrogatepass"))
        line = peer.makefile("rb").readline()
    return int(line.split()[1])
