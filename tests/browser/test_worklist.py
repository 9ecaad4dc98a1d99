"""The worklist as a live board, and the server page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import servers
import workitems
from browsing import Open, Watch

pytestmark = pytest.mark.interop

TOKEN = "s3cret/ü token"
BUTTONS = {
    "en-US": ("New workitem", "Claim", "Progress", "Complete", "Cancel it"),
    "de-DE": ("Neue Aufgabe", "Übernehmen", "Fortschritt", "Abschließen", "Abbrechen"),
}


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server that asks for a token."""
    folder = Path(tmp_path_factory.mktemp("closed"))
    (folder / "tokens").write_text(f"{TOKEN}\n", "utf-8")
    with servers.running(folder / "data", settings={"TOKEN_FILE": str(folder / "tokens")}) as running:
        yield running


def create(page: Page, label: str, button: str) -> None:
    page.get_by_role("button", name=button).click()
    page.fill("dialog input[name=label]", label)
    page.fill("dialog input[name=patient]", "Doe^Jane")
    page.locator("dialog .primary").click()
    page.locator(".card", has_text=label).wait_for()


def press(page: Page, label: str, button: str) -> None:
    page.locator(".card", has_text=label).get_by_role("button", name=button, exact=True).click()


@pytest.mark.parametrize("locale", BUTTONS)
def test_a_workitem_is_created_claimed_and_completed_while_another_person_watches(open_page: Open, locale: str) -> None:
    new, claim, progress, complete, _ = BUTTONS[locale]
    label = f"Read the CT {locale}"
    page, other = open_page("#/worklist", locale=locale), open_page("#/worklist", locale=locale)
    other.locator("[data-live=true]").wait_for()
    page.get_by_role("textbox").first.fill("Smith^Ann")

    create(page, label, new)
    expect(other.locator("[data-state=SCHEDULED] .card", has_text=label)).to_be_visible()
    press(page, label, claim)
    held = other.locator("[data-state='IN PROGRESS'] .card", has_text=label)
    expect(held).to_contain_text(re.compile(r"Smith Ann, WEB-\d+, (since|seit) .*20\d\d"))
    expect(held.get_by_role("button")).to_have_count(1)
    press(page, label, progress)
    page.fill("dialog input[name=words]", "half of it")
    page.locator("dialog .primary").click()
    expect(held).to_contain_text("half of it")
    press(page, label, complete)

    expect(other.locator("[data-state=COMPLETED] .card", has_text=label)).to_be_visible()


@pytest.mark.parametrize("locale", BUTTONS)
def test_workitems_are_canceled_by_who_holds_them_or_on_request(open_page: Open, locale: str) -> None:
    new, claim, _, _, cancel = BUTTONS[locale]
    page = open_page("#/worklist", locale=locale)
    for label in (f"one {locale}", f"two {locale}"):
        create(page, label, new)

    press(page, f"one {locale}", claim)
    page.locator("[data-state='IN PROGRESS'] .card", has_text=f"one {locale}").wait_for()
    for label in (f"one {locale}", f"two {locale}"):
        press(page, label, cancel)
        page.locator("dialog .primary").click()

        expect(page.locator("[data-state=CANCELED] .card", has_text=label)).to_be_visible()


def test_what_others_hold_shows_their_names_as_text(open_page: Open, server: servers.Server) -> None:
    page = open_page("#/worklist")
    page.locator("[data-live=true]").wait_for()

    with server.client() as client:
        uid = workitems.create(client, **{"00741204": {"vr": "LO", "Value": ["<img src=x onerror=alert(1)>"]}})
        workitems.claim(client, uid)

    card = page.locator(f"[data-state='IN PROGRESS'] [data-workitem='{uid}']")
    expect(card.locator("h3")).to_have_text("<img src=x onerror=alert(1)>")


@pytest.mark.parametrize(("locale", "title"), [("en-US", "Server"), ("de-DE", "Server")])
def test_the_server_page_tells_figures_versions_and_settings(open_page: Open, locale: str, title: str) -> None:
    page = open_page("#/server", locale=locale)

    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator(".figures").first).to_contain_text(re.compile(r"(Studies|Studien)\s*\d+"))
    expect(page.locator(".figures").nth(1)).to_contain_text(re.compile(r"(Answered|Beantwortet)\s*[1-9]"))
    expect(page.locator("tr", has_text="trash.http_delete")).to_contain_text("true")
    page.locator("a[href$='/docs']").wait_for()


def test_a_token_opens_everything(open_page: Open, closed_server: servers.Server, watch: Watch) -> None:
    watch.allowed = ("status of 401",)
    page = open_page(at=closed_server.origin)
    page.fill("dialog input", TOKEN)
    page.locator("dialog .primary").click()
    expect(page.locator(".count")).to_have_text("No studies match.")

    page.locator("header nav a", has_text="Worklist").click()
    page.locator("[data-live=true]").wait_for()
    page.reload()
    page.locator("[data-live=true]").wait_for()

    assert page.evaluate("[localStorage.getItem('hilum.token'), sessionStorage.getItem('hilum.token')]") == [
        None,
        TOKEN,
    ]
