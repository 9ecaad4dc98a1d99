"""A storage commitment of 10,000 instances: taken at once, checked in the background, harmful to nobody."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

from command_line import HILUM, SERIES, STUDY, write_objects
from dicomweb import JSON
from servers import running

pytestmark = pytest.mark.prove

INSTANCES = 10_000
_SLOWEST_SEARCH_S = 1.0


def _request(uids: list[str]) -> bytes:
    class_uid = {"vr": "UI", "Value": [str(SecondaryCaptureImageStorage)]}
    items = [{"00081150": class_uid, "00081155": {"vr": "UI", "Value": [uid]}} for uid in uids]
    return orjson.dumps([{"00081199": {"vr": "SQ", "Value": items}}])


def _uids(module: dict[str, Any], tag: str) -> set[str]:
    return {item["00081155"]["Value"][0] for item in module.get(tag, {}).get("Value", [])}


def _flip_a_bit(data: Path, uid: str) -> None:
    """Change the last byte of the stored object, which is one of its pixels."""
    found = next(path for path in (data / "blobs").rglob("*.dcm") if uid.encode() in path.read_bytes())
    found.chmod(0o600)
    content = bytearray(found.read_bytes())
    content[-1] ^= 1
    found.write_bytes(content)


def _result(client: httpx.Client, uid: str) -> tuple[dict[str, Any], list[float]]:
    """Return the result once it is there, and the seconds that searches took meanwhile."""
    searches = []
    while True:
        start = time.perf_counter()
        assert client.get(f"/studies/{STUDY}/instances?limit=10", headers=JSON).status_code == 200
        searches.append(time.perf_counter() - start)
        answer = client.get(f"/commitment-requests/{uid}", headers=JSON)
        if answer.status_code == 200:
            return answer.json(), searches
        assert answer.status_code == 202
        time.sleep(0.05)


@pytest.mark.requirement("SC-05", "SC-06", "SC-14")
def test_10000_instances_are_committed_while_searches_go_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    uids = write_objects(tmp_path / "objects", INSTANCES)
    imported = [*HILUM, "import", str(tmp_path / "objects"), "--data", str(data)]
    subprocess.run(imported, check=True, capture_output=True, timeout=600)
    _flip_a_bit(data, f"{SERIES}.104711")
    uid = str(generate_uid())

    with running(data) as server, server.client() as client:
        start = time.perf_counter()
        headers = {"Content-Type": "application/dicom+json", **JSON}
        taken = client.post(f"/commitment-requests/{uid}", content=_request(uids), headers=headers)
        taken_s = time.perf_counter() - start
        module, searches = _result(client, uid)

    print(f"taken in {taken_s:.3f} s, {len(searches)} searches, the slowest {max(searches):.3f} s")  # noqa: T201 - the figures of the run
    assert (taken.status_code, taken.content) == (202, b"")
    assert taken_s < 1.0
    assert max(searches) < _SLOWEST_SEARCH_S
    assert _uids(module, "00081198") == {f"{SERIES}.104711"}
    assert _uids(module, "00081199") == set(uids) - {f"{SERIES}.104711"}


@pytest.mark.requirement("SC-09")
def test_what_cannot_be_kept_at_the_moment_is_503(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server, server.client() as client:
        other = sqlite3.connect(data / "index.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        headers = {"Content-Type": "application/dicom+json", **JSON}
        url = f"/commitment-requests/{generate_uid()}"

        refused = client.post(url, content=_request(["1.2.3"]), headers=headers, timeout=120)
        other.execute("ROLLBACK")
        taken = client.post(url, content=_request(["1.2.3"]), headers=headers)
        other.close()

    assert (refused.status_code, taken.status_code) == (503, 200)
    assert int(refused.headers["retry-after"]) > 0
