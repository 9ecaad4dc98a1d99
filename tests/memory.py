"""Memory of running servers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import servers


class AnonymousMemory:
    """The highest RssAnon of any worker, sampled all the while."""

    def __init__(self, server: servers.Server) -> None:
        self.server = server
        self.highest_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.02):
            for pid in servers.descendants(self.server.process.pid):
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                for line in status.splitlines():
                    if line.startswith("RssAnon:"):
                        self.highest_mb = max(self.highest_mb, int(line.split()[1]) / 1024)
