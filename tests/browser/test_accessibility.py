"""What holds for every part of the page: no serious fault that axe finds, both colours, phones; the code is typed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

import servers
import workitems
from browsing import IMAGES, Open

pytestmark = pytest.mark.interop

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hilum-tests" / "javascript"
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
COMPILER = FOLDER / "node_modules" / "typescript" / "bin" / "tsc"
ASSETS = Path(__file__).parents[2] / "src" / "hilum" / "web" / "page" / "assets"
PARTS = ("#/", "#/?id=CT1", "study", "#/upload", "#/worklist", "#/server")


def show(page: Page, part: str) -> None:
    if part == "study":
        page.goto(page.url.split("#", maxsplit=1)[0] + "#/?id=CT1")
        page.locator("tbody td.who a").first.click()
        page.locator(".content .actions button").first.click()
        page.locator(".attributes").wait_for()
    page.locator("main h1").wait_for(state="attached")
    page.wait_for_load_state("networkidle")


def serious_faults(page: Page) -> list[tuple[str, list[str]]]:
    # Through the debugging protocol, which the page's policy does not concern.
    page.evaluate(AXE.read_text("utf-8"))
    result: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (fault["id"], [node["html"][:200] for node in fault["nodes"][:3]])
        for fault in result["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]


@pytest.mark.skipif(not AXE.is_file(), reason=f"run npm ci for tests/javascript in {FOLDER}")
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("locale", "scheme", "width"), [("en-US", "light", 1280), ("de-DE", "dark", 390)])
def test_axe_finds_no_serious_fault(open_page: Open, part: str, locale: str, scheme: str, width: int) -> None:
    page = open_page("" if part == "study" else part, locale=locale, scheme=scheme, width=width)
    show(page, part)

    assert serious_faults(page) == []


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_wider_than_a_phone(open_page: Open, part: str) -> None:
    page = open_page("" if part == "study" else part, width=390)
    show(page, part)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_colours_and_language_are_chosen_and_kept(open_page: Open) -> None:
    page = open_page()
    page.locator("header .tools button").nth(1).click()
    page.locator("header .tools button", has_text="Deutsch").click()
    page.reload()

    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.locator("header .tools button", has_text="English").is_visible()


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.skipif(not COMPILER.is_file(), reason=f"run npm ci for tests/javascript in {FOLDER}")
def test_the_code_of_the_page_is_typed() -> None:
    files = [str(path) for path in sorted(ASSETS.glob("*.js"))]
    options = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2023", "--module", "esnext"]
    options += ["--moduleResolution", "bundler", "--lib", "es2023,dom,dom.iterable"]
    command = ["node", str(COMPILER), *options, *files]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif("HILUM_WRITE_IMAGES" not in os.environ, reason="writes docs/images where HILUM_WRITE_IMAGES is set")
def test_pictures_for_the_documentation(open_page: Open, server: servers.Server) -> None:
    with server.client() as client:
        for label in ("Segment the liver", "Read the CT"):
            workitems.create(client, **{"00741204": {"vr": "LO", "Value": [label]}})
    IMAGES.mkdir(exist_ok=True)
    for name, part, options in (
        ("studies", "#/", {}),
        ("study", "study", {}),
        ("worklist", "#/worklist", {"locale": "de-DE", "scheme": "dark"}),
        ("phone", "#/", {"width": 390}),
    ):
        page = open_page("" if part == "study" else part, **options)
        show(page, part)
        page.wait_for_timeout(1000)
        page.screenshot(path=IMAGES / f"{name}.png")
