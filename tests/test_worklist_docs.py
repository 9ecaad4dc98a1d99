"""The pull workflow of docs/worklist.md is run as a reader would; a watcher sees each event."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import servers
from dicomweb import store, values
from samples import encode, make_dataset
from workitems import HEADERS, WORKLIST, channel, create, element, event_type, next_event, retrieve

PAGE = Path(__file__).parents[1] / "docs" / "worklist.md"


@pytest.mark.requirement("IHE-AIW-01")
def test_the_pull_workflow_works_as_it_is_written(tmp_path: Path) -> None:
    (performer,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with (
        servers.running(tmp_path / "data") as server,
        server.client(**HEADERS) as client,
        channel(client, "REQUESTER") as watcher,
    ):
        client.post(f"/workitems/{WORKLIST}/subscribers/REQUESTER")
        dataset = make_dataset()
        assert store(client, encode(dataset)).status_code == 200
        study = element("SQ", {"0020000D": element("UI", dataset.StudyInstanceUID)})
        uid = create(client, t00404021=study)

        command = [sys.executable, "-W", "ignore", "-c", performer, server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert (done.returncode, done.stdout) == (0, f"{uid} completed\n"), done.stderr
        events = [next_event(watcher) for _ in range(4)]
        assert [event_type(event) for event in events] == [1, 1, 3, 1]
        states = [event["00741000"]["Value"][0] for event in events if event_type(event) == 1]
        assert states == ["SCHEDULED", "IN PROGRESS", "COMPLETED"]
        (performed,) = retrieve(client, uid)["00741216"]["Value"]
        (output,) = performed["00404033"]["Value"]
        (instance,) = output["00081199"]["Value"]
        found = client.get(f"/instances?SOPInstanceUID={instance['00081155']['Value'][0]}").json()
        assert values(found[0], "00080060") in ([], ["SR"])
        again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert "nothing to do" in again.stderr
