"""Many claim the same workitems at once, in several server processes: each workitem has exactly one performer."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

import servers
from workitems import HEADERS, change_state, create, new_uid, retrieve, uids, update, workitem

pytestmark = pytest.mark.prove

ROUNDS = int(os.environ.get("PROVE_ROUNDS", "20"))
CLIENTS, WORKITEMS, PROCESSES = 50, 200, 4


@pytest.fixture
def four_processes(index_url: str, tmp_path: Path) -> Iterator[servers.Server]:
    """Yield a server of four processes over each kind of database."""
    data = tmp_path / "data"
    settings = {"LOG__REQUESTS": "false"}
    if index_url.startswith("postgresql"):
        settings["INDEX_URL"] = index_url
    with servers.running(data, workers=PROCESSES, settings=settings) as server:
        yield server
    shutil.rmtree(data, ignore_errors=True)


def claim_all(server: servers.Server, known: list[str], seed: int) -> dict[str, tuple[int, str]]:
    """Try to claim every workitem; return status and Transaction UID of each attempt."""
    order = known.copy()
    random.Random(seed % 5).shuffle(order)
    with server.client(**HEADERS, Connection="close") as client:
        outcomes = {}
        for uid in order:
            transaction_uid = new_uid()
            outcomes[uid] = (change_state(client, uid, "IN PROGRESS", transaction_uid).status_code, transaction_uid)
        return outcomes


@pytest.mark.requirement("UPSS-22", "IHE-AIW-02")
def test_every_race_for_a_claim_has_exactly_one_winner(four_processes: servers.Server) -> None:
    for _ in range(ROUNDS):
        with four_processes.client(**HEADERS) as client:
            known = [create(client) for _ in range(WORKITEMS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            outcomes = list(pool.map(partial(claim_all, four_processes, known), range(CLIENTS)))

        with four_processes.client(**HEADERS) as client:
            for uid in known:
                tries = [outcome[uid] for outcome in outcomes]
                winners = [transaction_uid for status, transaction_uid in tries if status == 200]
                # The loser names another Transaction UID than the recorded one: C301.
                assert {status for status, _ in tries} == {200, 400}
                assert len(winners) == 1
                # The claim belongs to the one who was told so.
                assert update(client, uid, {}, winners[0]).status_code == 200
                assert update(client, uid, {}, new_uid()).status_code == 400
                assert retrieve(client, uid)["00741000"]["Value"] == ["IN PROGRESS"]


@pytest.mark.requirement("UPS-23")
def test_every_race_for_a_uid_makes_one_workitem(four_processes: servers.Server) -> None:

    body = json.dumps([workitem()])
    known = [new_uid() for _ in range(50)]

    def create_all(_number: int) -> list[int]:
        with four_processes.client(**HEADERS, Connection="close") as client:
            return [client.post(f"/workitems?workitem={uid}", content=body).status_code for uid in known]

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(create_all, range(16)))

    for attempts in zip(*statuses, strict=True):
        assert sorted(attempts) == [201] + [409] * 15
    with four_processes.client(**HEADERS) as client:
        found: list[str] = uids(client.get("/workitems?limit=1000").json())
    assert set(known) <= set(found)
    assert len(found) == len(set(found))


def test_a_connection_is_served_by_more_than_one_process(four_processes: servers.Server) -> None:
    """The other tests mean nothing if one process answers everything."""
    with httpx.Client(trust_env=False, headers={"Connection": "close"}) as client:
        for _ in range(200):
            client.get(f"{four_processes.origin}/health/live")

    children = psutil.Process(four_processes.process.pid).children()
    busy = [child for child in children if sum(child.cpu_times()[:2]) > 0.05]
    assert len(busy) >= PROCESSES
