"""Subscriptions and event reports over HTTP and WebSocket (PS3.18 8.10, 11.10 to 11.13)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

import servers
from workitems import (
    FILTERED,
    HEADERS,
    UPS_PUSH,
    WORKLIST,
    channel,
    claim,
    code,
    complete,
    create,
    element,
    event_type,
    event_uid,
    new_uid,
    next_event,
    no_event,
    update,
    warning,
)

_numbers = itertools.count(1)


@pytest.fixture
def client(server: servers.Server) -> Iterator[httpx.Client]:
    with server.client(**HEADERS) as client:
        yield client


@pytest.fixture
def ae_title() -> str:
    """Return an AE title that no other test uses."""
    return f"WATCHER{next(_numbers)}"


@pytest.fixture
def worklist_watcher(client: httpx.Client, ae_title: str) -> Iterator[str]:
    """Yield the title of an AE that is subscribed to all workitems, without a lock."""
    assert subscribe(client, WORKLIST, ae_title).status_code == 201
    yield ae_title
    client.delete(f"/workitems/{WORKLIST}/subscribers/{ae_title}")


def subscribe(client: httpx.Client, target: str, ae_title: str, query: str = "") -> httpx.Response:
    return client.post(f"/workitems/{target}/subscribers/{ae_title}{query}")


@pytest.mark.requirement("UPS-07", "UPS-84", "UPS-10", "UPSE-21", "UPS-95", "NTF-01", "NTF-02")
def test_a_subscription_names_the_channel_and_reports_the_state_at_once(client: httpx.Client, ae_title: str) -> None:
    uid = create(client)

    response = subscribe(client, uid, ae_title)

    assert (response.status_code, response.content) == (201, b"")
    url = response.headers["content-location"]
    assert url == response.headers["location"] == f"{client.base_url}subscribers/{ae_title}".replace("http", "ws", 1)
    with connect(url, proxy=None) as socket:
        assert event_uid(next_event(socket)) == uid


@pytest.mark.requirement(
    "UPS-11",
    "UPSE-01",
    "UPSE-02",
    "UPSE-03",
    "UPSE-04",
    "UPSE-05",
    "UPSE-10",
    "UPSE-22",
    "NTF-03",
    "NTF-04",
    "UPS-25",
    "IHE-AIW-04",
)
def test_an_event_is_one_json_object_with_its_command_elements(client: httpx.Client, worklist_watcher: str) -> None:
    with channel(client, worklist_watcher) as socket:
        first, second = create(client), create(client)

        events = [next_event(socket), next_event(socket)]

    assert events[0] == {
        "00000002": element("UI", UPS_PUSH),
        "00000110": element("US", 1),
        "00001000": element("UI", first),
        "00001002": element("US", 1),
        "00404041": element("CS", "READY"),
        "00741000": element("CS", "SCHEDULED"),
    }
    assert (event_uid(events[1]), events[1]["00000110"]) == (second, element("US", 2))


@pytest.mark.requirement("UPSE-20", "UPS-62", "UPSS-02", "UPSS-05", "UPSE-06")
def test_every_change_of_state_or_readiness_is_reported_in_order(client: httpx.Client, worklist_watcher: str) -> None:
    with channel(client, worklist_watcher) as socket:
        uid = create(client, t00404041=element("CS", "INCOMPLETE"))
        update(client, uid, {"00404041": element("CS", "READY")})
        transaction_uid = claim(client, uid)
        complete(client, uid, transaction_uid)
        events = [next_event(socket) for _ in range(4)]

    reported = [(event["00741000"]["Value"][0], event["00404041"]["Value"][0]) for event in events]
    assert reported == [
        ("SCHEDULED", "INCOMPLETE"), ("SCHEDULED", "READY"), ("IN PROGRESS", "READY"), ("COMPLETED", "READY"),
    ]  # fmt: skip
    assert transaction_uid not in json.dumps(events)


@pytest.mark.requirement("UPSE-10", "UPSE-25")
def test_progress_is_reported_when_it_changes(client: httpx.Client, worklist_watcher: str) -> None:
    uid = create(client)
    transaction_uid = claim(client, uid)
    progress = {"00741004": element("DS", 40), "00741006": element("ST", "reading")}
    with channel(client, worklist_watcher) as socket:
        drain(socket)
        update(client, uid, {"00741002": element("SQ", progress)}, transaction_uid)
        event = next_event(socket)
        update(client, uid, {"00741202": element("LO", "no progress")}, transaction_uid)

        assert no_event(socket)

    assert (event_type(event), event_uid(event)) == (3, uid)
    assert event["00741002"] == element("SQ", progress)


@pytest.mark.requirement("UPSE-10", "UPSE-23", "IHE-AIW-10")
def test_an_assignment_is_reported_on_creation_and_on_every_change(client: httpx.Client, worklist_watcher: str) -> None:
    performer = {
        "00404009": element("SQ", code("DRX")),
        "00404037": element("PN", {"Alphabetic": "X"}),
        "00404036": element("LO", "Org"),
    }
    with channel(client, worklist_watcher) as socket:
        uid = create(client, t00404025=element("SQ", code("STATION")))
        created = [next_event(socket), next_event(socket)]
        update(client, uid, {"00404034": element("SQ", performer)})
        changed = next_event(socket)

    assert [event_type(event) for event in created] == [1, 5]
    assert created[1]["00404025"] == element("SQ", code("STATION"))
    assert "00404009" not in created[1]
    assert event_type(changed) == 5
    assert changed["00404009"] == element("SQ", code("DRX"))
    assert changed["00404036"] == element("LO", "Org")


@pytest.mark.requirement("UPSE-10", "UPSE-12", "UPSE-24", "UPS-65", "UPSX-08")
@pytest.mark.parametrize(
    ("path", "asked_by"),
    [("cancelrequest", "HILUM"), ("cancelrequest/DESK", "DESK"), ("cancelrequest?requester=DESK", "DESK")],
)
def test_a_request_for_cancellation_reaches_the_performer(
    client: httpx.Client, ae_title: str, path: str, asked_by: str
) -> None:
    uid = create(client)
    claim(client, uid)
    subscribe(client, uid, ae_title)
    with channel(client, ae_title) as socket:
        next_event(socket)
        client.post(f"/workitems/{uid}/{path}", content=json.dumps([{"00741238": element("LT", "left")}]))
        event = next_event(socket)

    assert (event_type(event), event_uid(event)) == (2, uid)
    assert event["00741236"] == element("AE", asked_by)
    assert event["00741238"] == element("LT", "left")
    assert "0074100A" not in event


@pytest.mark.requirement("UPS-66", "UPSS-09", "UPSE-24")
def test_canceling_what_is_scheduled_reports_both_states(client: httpx.Client, worklist_watcher: str) -> None:
    with channel(client, worklist_watcher) as socket:
        uid = create(client)
        client.post(f"/workitems/{uid}/cancelrequest", content=b"")
        events = [next_event(socket) for _ in range(3)]

    assert [event_type(event) for event in events] == [1, 1, 1]
    assert [event["00741000"]["Value"][0] for event in events] == ["SCHEDULED", "IN PROGRESS", "CANCELED"]
    assert events[2]["0074100E"]["Value"][0]["00080100"] == element("SH", "110513")


def drain(socket: ClientConnection) -> None:
    while not no_event(socket, 0.2):
        pass


@pytest.mark.requirement("UPS-95", "UPS-82", "UPSE-21", "UPS-91", "UPS-92", "UPS-08", "UPS-09", "UPS-90")
def test_a_global_subscription_reaches_what_exists_and_what_comes(tmp_path: Path) -> None:
    with servers.running(tmp_path / "data") as server, server.client(**HEADERS) as client:
        known, existing = create(client), create(client)
        subscribe(client, known, "PLAIN")
        with channel(client, "PLAIN") as plain, channel(client, "LOCKING") as locking:
            drain(plain)
            subscribe(client, WORKLIST, "PLAIN")
            subscribe(client, WORKLIST, "LOCKING", "?deletionlock=true")

            # With a lock each workitem is reported at once, without none is (Table CC.2.3-2).
            assert {event_uid(next_event(locking)), event_uid(next_event(locking))} == {known, existing}
            assert no_event(plain)

            later = create(client)
            assert event_uid(next_event(plain)) == event_uid(next_event(locking)) == later

            assert client.post(f"/workitems/{WORKLIST}/subscribers/PLAIN/suspend").status_code == 200
            create(client)
            claim(client, existing)
            assert event_uid(next_event(plain)) == existing

            assert client.delete(f"/workitems/{WORKLIST}/subscribers/PLAIN").status_code == 200
            claim(client, known)
            assert no_event(plain)
            assert client.delete(f"/workitems/{WORKLIST}/subscribers/PLAIN").status_code == 404
            assert client.post(f"/workitems/{WORKLIST}/subscribers/PLAIN/suspend").status_code == 404


@pytest.mark.requirement("UPS-81", "UPS-82", "UPS-95", "IHE-AIW-10")
@pytest.mark.parametrize(
    "query",
    [
        "?filter=WorklistLabel%3D{},InputReadinessState%3DREADY",
        "?filter=WorklistLabel%3D{}%2CInputReadinessState%3DREADY",
        "?WorklistLabel={}&InputReadinessState=READY",
        "?filter=00741202={}&00404041=READY",
    ],
)
def test_a_filtered_subscription_reaches_what_matches(client: httpx.Client, ae_title: str, query: str) -> None:
    label = new_uid()[-32:]
    existing = create(client, t00741202=element("LO", label))
    response = subscribe(client, FILTERED, ae_title, query.format(label) + "&deletionlock=true")
    assert response.status_code == 201
    with channel(client, ae_title) as socket:
        assert event_uid(next_event(socket)) == existing
        create(client)
        create(client, t00741202=element("LO", label), t00404041=element("CS", "INCOMPLETE"))
        later = create(client, t00741202=element("LO", label))

        assert event_uid(next_event(socket)) == later
        assert no_event(socket)
    assert client.delete(f"/workitems/{FILTERED}/subscribers/{ae_title}").status_code == 200


@pytest.mark.requirement("UPS-80", "UPS-81", "UPS-83", "UPS-87", "UPS-90", "UPS-92")
def test_wrong_subscriptions_are_refused(client: httpx.Client, ae_title: str) -> None:
    uid = create(client)

    assert subscribe(client, uid, ae_title, "?deletionlock=yes").status_code == 400
    assert subscribe(client, FILTERED, ae_title).status_code == 400
    assert subscribe(client, FILTERED, ae_title, "?filter=").status_code == 400
    assert subscribe(client, FILTERED, ae_title, "?filter=Nonsense%3D1").status_code == 400
    assert subscribe(client, FILTERED, ae_title, "?filter=TransactionUID%3D1.2").status_code == 400
    assert subscribe(client, FILTERED, ae_title, "?filter=%FF").status_code == 400
    assert subscribe(client, uid, "A" * 17).status_code == 400
    assert subscribe(client, uid, "A%5CB").status_code == 400
    assert subscribe(client, new_uid(), ae_title).status_code == 404
    assert subscribe(client, "1..2", ae_title).status_code == 400
    assert client.delete(f"/workitems/{uid}/subscribers/{ae_title}").status_code == 404
    assert client.post(f"/workitems/{uid}/subscribers/{ae_title}/suspend").status_code == 400


@pytest.mark.requirement("UPS-83", "UPS-88", "UPS-90", "UPS-95")
def test_a_repeated_subscription_reports_again_and_an_ended_one_no_more(client: httpx.Client) -> None:
    uid = create(client)
    with channel(client, "AE%201") as socket:
        for query in ("", "?deletionlock=true", "?deletionlock=false"):
            assert subscribe(client, uid, "AE%201", query).status_code == 201
            assert event_uid(next_event(socket)) == uid
        assert client.delete(f"/workitems/{uid}/subscribers/AE%201").status_code == 200
        claim(client, uid)

        assert no_event(socket)


@pytest.mark.requirement("UPS-85", "UPS-93")
def test_a_refused_lock_is_told(tmp_path: Path) -> None:
    settings = {"WORKLIST__DELETION_LOCKS": "refuse"}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client(**HEADERS) as client:
        response = subscribe(client, create(client), "AE", "?deletionlock=true")

    assert (response.status_code, warning(response)) == (201, "Deletion Lock not granted.")


@pytest.mark.requirement("UPSE-07", "IHE-AIW-12")
def test_what_was_missed_is_sent_when_the_receiver_comes_back(client: httpx.Client, worklist_watcher: str) -> None:
    with channel(client, worklist_watcher) as socket:
        first = create(client)
        assert event_uid(next_event(socket)) == first
    missed = [create(client) for _ in range(3)]

    with channel(client, worklist_watcher) as socket:
        found = [event_uid(next_event(socket)) for _ in range(3)]
        later = create(client)
        assert event_uid(next_event(socket)) == later

    assert found == missed


@pytest.mark.requirement("UPSE-07")
def test_without_replay_what_was_missed_is_gone(tmp_path: Path) -> None:
    settings = {"WORKLIST__REPLAY_S": "0"}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client(**HEADERS) as client:
        subscribe(client, WORKLIST, "AE")
        create(client)
        with channel(client, "AE") as socket:
            assert no_event(socket)
            later = create(client)
            assert event_uid(next_event(socket)) == later


@pytest.mark.requirement("UPS-94", "UPSE-26", "UPSE-27", "UPSE-28")
def test_subscriptions_survive_a_restart_which_is_reported(tmp_path: Path) -> None:
    settings = {"WORKLIST__RECEIVERS": "FALLBACK"}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client(**HEADERS) as client:
        subscribe(client, WORKLIST, "AE")
        with channel(client, "AE") as socket:
            drain(socket)
            server.process.terminate()
            going_down = next_event(socket)
    with (
        servers.running(tmp_path / "data", settings=settings) as server,
        server.client(**HEADERS) as client,
        channel(client, "AE") as socket,
        channel(client, "FALLBACK") as fallback,
    ):
        restarted = [next_event(fallback) for _ in range(3)][-1]
        drain(socket)
        later = create(client)
        assert event_uid(next_event(socket)) == later

    assert (event_type(going_down), event_uid(going_down)) == (4, WORKLIST)
    assert going_down["00741242"] == element("CS", "GOING DOWN")
    assert restarted["00741242"] == element("CS", "RESTARTED")
    assert restarted["00741244"] == restarted["00741246"] == element("CS", "WARM START")


@pytest.mark.requirement("NTF-02")
def test_what_is_no_handshake_of_a_receiver_is_refused(client: httpx.Client) -> None:
    assert client.get("/subscribers/AE").status_code == 400
    with pytest.raises(InvalidStatus) as refused, channel(client, "A" * 17):
        pass
    assert refused.value.response.status_code == 400


def test_a_page_of_another_origin_gets_no_events(client: httpx.Client) -> None:
    url = f"{client.base_url}subscribers/AE".replace("http", "ws", 1)
    evil = Origin("http://evil.example")

    with pytest.raises(InvalidStatus) as refused, connect(url, proxy=None, origin=evil):
        pass

    assert refused.value.response.status_code == 403


def test_a_handshake_names_its_origin_once(client: httpx.Client) -> None:
    url = f"{client.base_url}subscribers/AE".replace("http", "ws", 1)
    twice = [("Origin", "http://evil.example"), ("Origin", "http://localhost")]

    with pytest.raises(InvalidStatus) as refused, connect(url, proxy=None, additional_headers=twice):
        pass

    assert refused.value.response.status_code == 403


def test_the_channel_is_named_by_a_uri(client: httpx.Client) -> None:
    response = client.post(f"/workitems/{create(client)}/subscribers/READING%20ROOM")

    assert response.headers["content-location"].endswith("/subscribers/READING%20ROOM")
    with connect(response.headers["content-location"], proxy=None):
        pass


def test_the_channel_needs_a_token_where_requests_do(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("secret\n")
    with servers.running(tmp_path / "data", options=["--token-file", str(tokens)]) as server:
        url = f"{server.url}/subscribers/AE".replace("http", "ws", 1)
        with pytest.raises(InvalidStatus), connect(url, proxy=None):
            pass
        with connect(url, proxy=None, additional_headers={"Authorization": "Bearer secret"}):
            pass


def test_every_connection_of_a_receiver_gets_every_event(client: httpx.Client, worklist_watcher: str) -> None:
    with channel(client, worklist_watcher) as one, channel(client, worklist_watcher) as other:
        one.send("ignored")
        uid = create(client)

        assert event_uid(next_event(one)) == event_uid(next_event(other)) == uid
        assert one.ping().wait(5)


def test_connections_beyond_the_limit_are_closed(tmp_path: Path) -> None:
    settings = {"WORKLIST__MAX_RECEIVERS": "1"}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client(**HEADERS) as client:
        subscribe(client, WORKLIST, "ONE")
        with channel(client, "ONE") as first:
            create(client)
            next_event(first)
            with channel(client, "TWO") as second:
                for _ in range(50):
                    if second.close_code is not None:
                        break
                    no_event_or_closed(second)
                assert second.close_code == 1013


def no_event_or_closed(socket: ClientConnection) -> None:
    try:
        no_event(socket, 0.1)
    except ConnectionClosed:
        return
