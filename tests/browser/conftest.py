"""A browser in front of a real server. Whatever a page does, it asks no other origin and has no error to report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

import servers
from browsing import CHROMIUM, FLAGS, Open, Watch
from studies import store_samples


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server with the studies of `studies.store_samples`."""
    folder = Path(tmp_path_factory.mktemp("page")) / "data"
    with servers.running(folder, settings={"TRASH__HTTP_DELETE": "true"}) as running:
        store_samples(running.url)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def open_page(browser: Browser, server: servers.Server, watch: Watch) -> Iterator[Open]:
    """Open pages of the server; at the end the network log and the console are looked through."""
    contexts = []

    def open_one(
        path: str = "", *, locale: str = "en-US", width: int = 1280, scheme: str = "light", at: str = server.origin
    ) -> Page:
        context = browser.new_context(
            locale=locale,
            viewport={"width": width, "height": 860},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                watch.errors.append(f"{message.text} {message.location['url']}")

        def on_request(request: Request) -> None:
            watch.requests.append(request.url)

        page.on("console", on_console)
        page.on("pageerror", lambda error: watch.errors.append(str(error)))
        context.on("request", on_request)
        page.goto(f"{at}/{path}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    own = (f"{server.origin}/", "blob:", "data:", "http://127.0.0.1:", "chrome-extension:")
    assert [url for url in watch.requests if not url.startswith(own)] == []
    assert watch.unexpected() == []
