"""A server that is killed at any moment loses nothing that it acknowledged and shows nothing by halves."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

import servers
from dicomweb import JSON, OBJECTS_AS_STORED, parts_of, path_of, store, values
from samples import encode, make_dataset, noise

pytestmark = pytest.mark.prove

ROUNDS = int(os.environ.get("PROVE_ROUNDS", "50"))
WRITERS = 6


@dataclass
class Load:
    """Writers that store until they are told to stop, and what was acknowledged to them."""

    server: servers.Server
    seed: int
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    offered: dict[str, bytes] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    unexpected: list[str] = field(default_factory=list)

    def run(self, number: int) -> None:
        dice = random.Random(self.seed * 100 + number)
        with self.server.client() as client:
            while not self.stop.is_set():
                batch = {}
                for _ in range(dice.choice((1, 1, 1, 3))):
                    side = dice.choice((4, 64, 512))
                    dataset = make_dataset(
                        PatientID=f"crash-{self.seed}", Rows=side, Columns=side, BitsAllocated=16, BitsStored=16,
                        HighBit=15, PixelData=noise(side, side, dice.randrange(1 << 30)),
                    )  # fmt: skip
                    dataset["PixelData"].VR = "OW"
                    batch[path_of(dataset)] = encode(dataset)
                self.offered |= batch
                with contextlib.suppress(httpx.TransportError):
                    response = store(client, *batch.values())
                    if response.status_code == 200:
                        self.acknowledged |= batch
                    else:
                        self.unexpected.append(f"{response.status_code}: {response.text[:200]}")


def visible(server: servers.Server, seed: int) -> dict[str, bytes]:
    """Return what a search finds of a round, read back whole."""
    found: dict[str, bytes] = {}
    with server.client() as client:
        while True:
            query = f"/instances?PatientID=crash-{seed}&limit=500&offset={len(found)}"
            response = client.get(query, headers=JSON)
            if response.status_code == 204:
                return found
            for item in response.json():
                path = values(item, "00081190")[0].removeprefix(server.url)
                (part,) = parts_of(client.get(path, headers=OBJECTS_AS_STORED))
                found[path] = part.content


def verify(data: Path) -> str:
    command = [sys.executable, "-m", "hilum", "verify", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_nothing_acknowledged_is_lost_and_nothing_half_stored_is_visible(tmp_path: Path) -> None:
    data = tmp_path / "data"
    dice = random.Random(52)
    server = servers.start(data, workers=2)
    acknowledged: dict[str, bytes] = {}
    try:
        for seed in range(ROUNDS):
            load = Load(server, seed)
            writers = [threading.Thread(target=load.run, args=(number,)) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(dice.uniform(0.05, 1.5))
            one_worker = seed % 3 == 2
            if one_worker:
                workers = [pid for pid in servers.descendants(server.process.pid) if _is_worker(pid)]
                os.kill(dice.choice(workers), signal.SIGKILL)
                time.sleep(1.0)
            else:
                server.kill()
            load.stop.set()
            for writer in writers:
                writer.join()
            if not one_worker:
                server = servers.start(data, workers=2)

            shown = visible(server, seed)

            assert not load.unexpected
            assert load.acknowledged.items() <= shown.items()
            assert shown.items() <= load.offered.items()
            acknowledged |= load.acknowledged
        with server.client() as client:
            for path, content in acknowledged.items():
                (part,) = parts_of(client.get(path, headers=OBJECTS_AS_STORED))
                assert part.content == content
    finally:
        server.stop()
    assert len(acknowledged) > ROUNDS
    assert verify(data) == ""


def _is_worker(pid: int) -> bool:
    """Say whether the process serves requests: it has mapped the index."""
    with contextlib.suppress(OSError):
        return "index.db" in (Path("/proc") / str(pid) / "maps").read_text()
    return False
