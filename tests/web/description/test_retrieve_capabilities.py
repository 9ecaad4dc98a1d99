from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

import servers


@pytest.mark.requirement("CAP-01")
def test_services_at_the_top_are_described_there_and_the_page_stays(tmp_path: Path) -> None:
    settings = {"HTTP__DICOMWEB_ROOT": ""}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client() as client:
        described = client.request("OPTIONS", server.origin + "/")
        page = client.get(server.origin + "/")

    assert described.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert etree.QName(etree.fromstring(described.content)).localname == "application"
