"""A full disk refuses what is new with 503, loses nothing, and is over as soon as there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import servers
from dicomweb import OBJECTS_AS_STORED, parts_of, path_of, store, values
from samples import encode, make_dataset, noise

pytestmark = pytest.mark.prove

SIZE_MB = 96


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)


@pytest.mark.parametrize("reserve", [0, 20_000_000])
def test_a_full_disk_loses_nothing_and_recovers(small_disk: Path, reserve: int) -> None:
    data = small_disk / "data"
    acknowledged: dict[str, bytes] = {}
    statuses: list[int] = []
    settings = {"STORE__RESERVE_BYTES": str(reserve)}
    with servers.running(data, workers=2, settings=settings) as server, server.client() as client:
        for number in range(400):
            dataset = make_dataset(
                Rows=512,
                Columns=512,
                BitsAllocated=16,
                BitsStored=16,
                HighBit=15,
                PixelData=noise(512, 512, number),
            )
            dataset["PixelData"].VR = "OW"
            content = encode(dataset)
            response = store(client, content)
            statuses.append(response.status_code)
            if response.status_code == 200:
                acknowledged[path_of(dataset)] = content
            else:
                module = response.json()
                (failure,) = [item for tag in ("0008119A", "00081198") if tag in module for item in values(module, tag)]
                assert values(failure, "00081197") == [0xA700]

        for path, content in acknowledged.items():
            (part,) = parts_of(client.get(path, headers=OBJECTS_AS_STORED))
            assert part.content == content

        assert set(statuses) == {200, 503}
        assert statuses[-1] == 503

        subprocess.run(["mount", "-o", f"remount,size={2 * SIZE_MB}m", str(small_disk)], check=True)
        assert store(client, encode(make_dataset())).status_code == 200

    command = [sys.executable, "-m", "hilum", "verify", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
