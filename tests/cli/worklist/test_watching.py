from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import servers
from command_line import HILUM
from workitems import FILTERED, HEADERS, create, element


def test_events_are_printed_as_they_come_until_the_server_ends(tmp_path: Path) -> None:
    server = servers.start(tmp_path / "data")
    command = [*HILUM, "worklist", "watch", "WorklistLabel=WATCHED", "--aet", "ME", "--count", "2"]
    watcher = subprocess.Popen([*command, "--url", server.url], stdout=subprocess.PIPE, text=True)
    try:
        with server.client(**HEADERS) as client:
            # The command subscribes first; what comes after that reaches it in any case.
            deadline = time.monotonic() + 20
            while client.post(f"/workitems/{FILTERED}/subscribers/ME/suspend").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            client.post(f"/workitems/{FILTERED}/subscribers/ME?filter=WorklistLabel%3DWATCHED")
            create(client)
            uid = create(client, t00741202=element("LO", "WATCHED"))
        assert watcher.stdout is not None
        first = json.loads(watcher.stdout.readline())
        server.stop()
        assert json.loads(watcher.stdout.readline())["00741242"]["Value"] == ["GOING DOWN"]
    finally:
        watcher.kill()
        watcher.communicate()
        server.stop()
    assert first["00001000"]["Value"] == [uid]


def test_a_refused_channel_ends_the_command(tmp_path: Path) -> None:
    command = [*HILUM, "worklist", "watch", "--aet", "A" * 17]
    with servers.running(tmp_path / "data") as server:
        done = subprocess.run([*command, "--url", server.url], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, "400" in done.stderr) == (2, True)
