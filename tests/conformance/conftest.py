from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import servers


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One server for all tests of a worker process: each test stores objects of its own."""
    with servers.running(Path(tmp_path_factory.mktemp("server")) / "data") as running:
        yield running


@pytest.fixture
def client(server: servers.Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client
