"""The list of studies and the view of one, as a person uses them."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import servers
from browsing import Open, Watch, until
from studies import CT_SLICES, HOSTILE_NAMES

pytestmark = pytest.mark.interop

LANGUAGES = {"en-US": ("Studies", "{} studies", "Attributes"), "de-DE": ("Studien", "{} Studien", "Attribute")}


def rows(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("tbody td.who").all_inner_texts()]


def open_study(page: Page, patient_id: str) -> None:
    page.goto(re.sub("#.*", "", page.url) + f"#/?id={patient_id}")
    page.locator("tbody td.who a").first.click()
    page.locator(".content .actions").wait_for()


def shade(page: Page) -> float:
    """Return the mean grey of what the image shows."""
    until(page, "document.querySelector('.stage img').naturalWidth > 0")
    image = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("L")
    return float(np.asarray(image).mean())


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_list_is_searched_sorted_and_paged(open_page: Open, locale: str) -> None:
    title, counted, _ = LANGUAGES[locale]
    page = open_page(locale=locale)

    expect(page).to_have_title(f"{title} · Hilum")
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    expect(page.locator(".count")).to_contain_text("1–25")
    page.locator("[data-step=on]").click()
    expect(page.locator(".count")).to_contain_text("26–")
    page.reload()
    expect(page.locator(".count")).to_contain_text("26–")
    page.fill("input[name=name]", "many")
    expect(page.locator(".count")).to_contain_text(counted.format(30))
    page.locator("th button").nth(0).click()
    expect(page.locator("tbody td.who").first).to_have_text("Many 00")
    page.locator("th button").nth(0).click()
    expect(page.locator("tbody td.who").first).to_have_text("Many 29")


@pytest.mark.parametrize(
    ("field", "typed", "found"),
    [
        ("name", "*grey", ["Ball Grey"]),
        ("name", "ba?l^g", []),
        ("name", "ba?l^g*", ["Ball Grey"]),
        ("id", "CT", ["Ball Grey"]),
        ("accession", "ACC-CT", ["Ball Grey"]),
        ("description", "of a ball", ["Ball Grey"]),
        ("name", "nobody, at all", []),
    ],
)
def test_each_field_finds_what_it_names(open_page: Open, field: str, typed: str, found: list[str]) -> None:
    page = open_page("#/")
    page.locator("tbody tr").first.wait_for()

    page.fill(f"input[name={field}]", typed)

    expect(page.locator("tbody tr")).to_have_count(len(found))
    assert rows(page) == found


def test_names_that_are_alike_modalities_and_dates_narrow_the_list(open_page: Open) -> None:
    page = open_page("#/")
    page.fill("input[name=name]", "gray boll")
    page.check("input[name=fuzzy]")
    expect(page.locator("tbody td.who")).to_have_text(["Ball Grey"])
    page.uncheck("input[name=fuzzy]")
    page.fill("input[name=name]", "")

    page.click("[data-modality=CT]")
    expect(page.locator("tbody td.who")).to_have_text(["Ball Grey"])
    page.click("[data-modality=SR]")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.click("[data-modality=SR]")
    page.click("[data-modality=CT]")
    page.select_option("select[name=when]", "range")
    page.fill("input[name=from]", "2025-03-04")
    page.fill("input[name=to]", "2025-03-05")
    expect(page.locator("tbody td.who")).to_have_text(["Ball Grey"])
    page.select_option("select[name=when]", "today")
    expect(page.locator("tbody tr")).to_have_count(0)


def test_the_list_works_by_keyboard_and_keeps_its_place(open_page: Open) -> None:
    page = open_page("#/")
    page.locator("tbody tr").first.wait_for()

    page.keyboard.press("ArrowRight")
    expect(page.locator(".count")).to_contain_text("26–")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "name"
    page.keyboard.type("frames")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".stage").wait_for()
    page.go_back()

    expect(page.locator("input[name=name]")).to_have_value("frames")
    expect(page.locator("tbody td.who")).to_have_text(["Frames Ten"])


def test_thumbnails_come_into_the_list(open_page: Open) -> None:
    page = open_page("#/?id=CT1")

    until(page, "document.querySelector('tbody img')?.naturalWidth > 0")


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_series_is_gone_through_and_windowed(open_page: Open, locale: str) -> None:
    page = open_page(locale=locale)
    open_study(page, "CT1")
    first = shade(page)

    page.locator(".stage").focus()
    page.keyboard.press("End")
    expect(page.locator(".corner")).to_have_text(f"{CT_SLICES} / {CT_SLICES}")
    page.wait_for_load_state("networkidle")
    last = shade(page)
    with page.expect_response(re.compile("window=40%2C80")):
        page.locator(".controls select").select_option(index=5)
    with page.expect_response(re.compile("/rendered.*window=")):
        page.locator(".controls input[type=range]").nth(1).fill("300")
    with page.expect_response(re.compile("/rendered.*window=")):
        box = page.locator(".stage").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 50, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 90, steps=4)
        page.mouse.up()

    assert last > first > 0
    assert page.locator(".content .actions button").first.inner_text() == LANGUAGES[locale][2]


def test_frames_play(open_page: Open) -> None:
    page = open_page()
    open_study(page, "MF1")
    expect(page.locator("input[type=number]")).to_have_value("20")

    page.locator(".controls button[aria-pressed]").click()
    until(page, "parseInt(document.querySelector('.corner').textContent) > 3")
    page.locator(".controls button[aria-pressed]").click()

    expect(page.locator(".controls button[aria-pressed]")).to_have_attribute("aria-pressed", "false")


def test_a_report_is_shown_as_text(open_page: Open) -> None:
    page = open_page()
    open_study(page, "SR1")

    report = page.locator(".report")
    expect(report).to_contain_text("Imaging Report")
    expect(report).to_contain_text("A <b>round</b> shadow")
    expect(report).to_contain_text("12 mm")


def test_a_pdf_an_ecg_and_a_video_are_shown_in_place(open_page: Open) -> None:
    page = open_page()
    open_study(page, "PDF1")
    expect(page.locator(".stage iframe")).to_have_attribute("title", "Letter")
    open_study(page, "ECG1")
    expect(page.locator(".stage canvas").first).to_have_attribute("aria-label", re.compile("Lead I"))
    open_study(page, "VID1")
    until(page, "document.querySelector('.stage video')?.duration > 0.5")


@pytest.mark.parametrize("locale", LANGUAGES)
def test_attributes_are_a_tree_with_a_search(open_page: Open, locale: str) -> None:
    page = open_page(locale=locale)
    open_study(page, "CT1")
    page.locator(".content .actions button").first.click()
    tree = page.locator(".attributes")

    expect(tree).to_contain_text("Rescale Slope")
    expect(tree).to_contain_text("ACME 1.0")
    tree.locator("summary", has_text="Procedure Code Sequence").click()
    expect(tree).to_contain_text("Head scan")
    tree.locator("input").fill("head SCAN")
    expect(tree.locator(".attribute")).to_have_count(1)
    expect(tree.locator(".attribute")).to_contain_text("Procedure Code Sequence 1 › Code Meaning")
    tree.locator("input").fill("private value")
    expect(tree.locator(".attribute")).to_contain_text("a private value")


def test_studies_series_and_files_are_downloaded(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    open_study(page, "CT1")

    for place, check in ((".head a[download]", zipfile.is_zipfile), (".content a[download]", _is_object)):
        with page.expect_download() as waiting:
            page.locator(place).first.click()
        target = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(target)
        assert check(target)


def _is_object(path: Path) -> bool:
    return path.suffix == ".dcm" and str(pydicom.dcmread(path).PatientID) == "CT1"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_study_is_deleted_after_a_question(open_page: Open, server: servers.Server, locale: str) -> None:
    number = 11 if locale == "de-DE" else 12
    page = open_page(locale=locale)
    open_study(page, f"MANY{number}")

    page.locator(".head button.danger").click()
    page.locator("dialog button").first.click()
    assert _exists(server, f"MANY{number}")
    page.locator(".head button.danger").click()
    page.locator("dialog .primary").click()

    expect(page.locator(".notice")).to_contain_text("hilum restore")
    assert not _exists(server, f"MANY{number}")


def _exists(server: servers.Server, patient_id: str) -> bool:
    accept = {"Accept": "application/dicom+json"}
    return httpx.get(f"{server.url}/studies?PatientID={patient_id}", headers=accept, trust_env=False).status_code == 200


@pytest.mark.parametrize("number", range(len(HOSTILE_NAMES)))
def test_names_show_as_text(open_page: Open, watch: Watch, number: int) -> None:
    name = HOSTILE_NAMES[number].replace("^", " ").replace("=", " · ")
    page = open_page(f"#/?id=HOSTILE{number}")
    expect(page.locator("td.who")).to_have_text(name)

    open_study(page, f"HOSTILE{number}")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator(".head")).to_contain_text("<b>bold</b> & \"q\" 'q'")
    page.locator(".content .actions button").first.click()

    expect(page.locator(".attributes")).to_contain_text(name)
    assert page.locator("main script, main b, main img[onerror]").count() == 0
    assert watch.unexpected() == []


def test_what_does_not_exist_is_said(open_page: Open) -> None:
    page = open_page("#/study/1.2.3.4.5")

    expect(page.locator("h1")).to_have_text("There is no such study.")
