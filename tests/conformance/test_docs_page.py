"""The documentation page in a browser that reaches no other host: "try it out" executes a search."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dicomweb import store
from samples import make_object
from servers import running

CHROMIUM = shutil.which("chromium", path="/usr/bin:/usr/local/bin:/snap/bin")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

_OPTIONS = ("--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")


@pytest.mark.requirement("CAP-09")
def test_a_search_is_executed_offline(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    with running(tmp_path / "data") as server, server.client() as client, playwright.sync_playwright() as driver:
        assert store(client, make_object(PatientID="BROWSER-1")).status_code == 200
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(_OPTIONS), env={**os.environ})
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))

        page.goto(f"{server.origin}/docs")
        operation = page.locator("#operations-Studies_Service-get_studies")
        operation.locator(".opblock-summary-control").click(timeout=60_000)
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table .response")
        answer.first.wait_for(timeout=30_000)
        text = answer.first.inner_text()
        browser.close()

    assert text.startswith("200")
    assert "BROWSER-1" in text
    assert all(url.startswith((server.origin, "data:", "blob:")) for url in asked)
