"""Workitems as user agents write them, and the requests of the Worklist Service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from pydicom.uid import generate_uid
from websockets.sync.client import ClientConnection, connect

from samples import PREFIX

JSON_TYPE = "application/dicom+json"
WORKLIST = "1.2.840.10008.5.1.4.34.5"
FILTERED = "1.2.840.10008.5.1.4.34.5.1"
UPS_PUSH = "1.2.840.10008.5.1.4.34.6.1"
HEADERS = {"Accept": JSON_TYPE, "Content-Type": JSON_TYPE}

Members = dict[str, Any]


def element(vr: str, *values: Any) -> Members:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def code(value: str, scheme: str = "99TEST", meaning: str = "a meaning") -> Members:
    return {"00080100": element("SH", value), "00080102": element("SH", scheme), "00080104": element("LO", meaning)}


def workitem(**changed: Members | None) -> Members:
    """Return a complete new workitem; a keyword such as `t00741202` replaces an attribute, None leaves it out."""
    empty = {
        "00741210": "SQ", "00404026": "SQ", "00404027": "SQ", "00404025": "SQ", "00404018": "SQ", "00400400": "LT",
        "00404021": "SQ", "00100010": "PN", "00100020": "LO", "00100021": "LO", "00100024": "SQ", "00101002": "SQ",
        "00100030": "DA", "00100040": "CS", "00380010": "LO", "00380014": "SQ", "00081080": "LO", "00081084": "SQ",
        "0040A370": "SQ", "00741002": "SQ", "00741216": "SQ", "00081195": "UI",
    }  # fmt: skip
    members: Members = {tag: element(vr) for tag, vr in empty.items()} | {
        "00741000": element("CS", "SCHEDULED"),
        "00741200": element("CS", "MEDIUM"),
        "00741204": element("LO", "Segment the liver"),
        "00741202": element("LO", "AI"),
        "00404005": element("DT", "20240229120000"),
        "00404041": element("CS", "READY"),
    }
    for name, value in changed.items():
        members.pop(name[1:], None)
        if value is not None:
            members[name[1:]] = value
    return members


def new_uid() -> str:
    return str(generate_uid(PREFIX))


def create(client: httpx.Client, **changed: Members | None) -> str:
    """Create a workitem, and return its UID."""
    uid = new_uid()
    response = client.post(f"/workitems?workitem={uid}", content=json.dumps([workitem(**changed)]))
    assert response.status_code == 201, response.text
    return uid


def change_state(client: httpx.Client, uid: str, state: str, transaction_uid: str | None) -> httpx.Response:
    members = {"00741000": element("CS", state)}
    if transaction_uid is not None:
        members["00081195"] = element("UI", transaction_uid)
    return client.put(f"/workitems/{uid}/state", content=json.dumps([members]))


def claim(client: httpx.Client, uid: str) -> str:
    """Claim a workitem, and return the Transaction UID."""
    transaction_uid = new_uid()
    assert change_state(client, uid, "IN PROGRESS", transaction_uid).status_code == 200
    return transaction_uid


PERFORMED = {
    "00741216": element(
        "SQ",
        {
            "00404028": element("SQ", code("STATION")),
            "00404050": element("DT", "20240229120000"),
            "00404019": element("SQ", code("WORK")),
            "00404051": element("DT", "20240229120500"),
            "00404033": element("SQ"),
        },
    )
}
"""What the final state COMPLETED needs."""


def complete(client: httpx.Client, uid: str, transaction_uid: str) -> None:
    assert update(client, uid, PERFORMED, transaction_uid).status_code == 200
    assert change_state(client, uid, "COMPLETED", transaction_uid).status_code == 200


def update(client: httpx.Client, uid: str, members: Members, transaction_uid: str | None = None) -> httpx.Response:
    query = f"?transaction-uid={transaction_uid}" if transaction_uid else ""
    return client.post(f"/workitems/{uid}{query}", content=json.dumps([members]))


def retrieve(client: httpx.Client, uid: str) -> Members:
    response = client.get(f"/workitems/{uid}")
    assert response.status_code == 200, response.text
    (members,) = response.json()
    assert "00081195" not in members
    return dict(members)


def state_of(client: httpx.Client, uid: str) -> str:
    return str(retrieve(client, uid)["00741000"]["Value"][0])


def search(client: httpx.Client, query: str) -> list[Members]:
    response = client.get(f"/workitems?{query}")
    assert response.status_code in (200, 204), response.text
    return response.json() if response.status_code == 200 else []


def uids(found: list[Members]) -> list[str]:
    return [item["00080018"]["Value"][0] for item in found]


def warning(response: httpx.Response) -> str:
    """Return the text of the Warning header."""
    text: str = response.headers.get("warning", "")
    return text.partition(": ")[2]


@contextmanager
def channel(client: httpx.Client, ae_title: str) -> Iterator[ClientConnection]:
    """Open the event channel of an AE."""
    url = f"{client.base_url}subscribers/{ae_title}".replace("http", "ws", 1)
    with connect(url, proxy=None, close_timeout=1) as socket:
        yield socket


def next_event(socket: ClientConnection, timeout_s: float = 5.0) -> Members:
    return dict(json.loads(socket.recv(timeout=timeout_s)))


def no_event(socket: ClientConnection, wait_s: float = 0.4) -> bool:
    try:
        socket.recv(timeout=wait_s)
    except TimeoutError:
        return True
    return False


def event_type(event: Members) -> int:
    return int(event["00001002"]["Value"][0])


def event_uid(event: Members) -> str:
    return str(event["00001000"]["Value"][0])
