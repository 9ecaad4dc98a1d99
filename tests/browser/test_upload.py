"""Upload of files, archives, photographs and documents."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import servers
from browsing import Open, Watch
from samples import make_object
from studies import write_files

pytestmark = pytest.mark.interop

DROPPED = 500
SUMMARIES = {
    "en-US": "{} of {} stored, {} failed, {} left out",
    "de-DE": "{} von {} gespeichert, {} fehlgeschlagen, {} weggelassen",
}
REASONS = {"en-US": "The server cannot read it as DICOM", "de-DE": "Der Server kann sie nicht als DICOM lesen"}
DROP = """async (urls) => {
    const transfer = new DataTransfer();
    for (const [name, text] of urls) {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
    }
    document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
}"""
LONGEST_PAUSE = """() => {
    window.longest = 0;
    let last = performance.now();
    setInterval(() => {
        window.longest = Math.max(window.longest, performance.now() - last);
        last = performance.now();
    }, 20);
}"""


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 40, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


def found(server: servers.Server, patient_id: str) -> list[dict[str, dict[str, list[int | str]]]]:
    accept = {"Accept": "application/dicom+json"}
    response = httpx.get(f"{server.url}/studies?PatientID={patient_id}", headers=accept, trust_env=False)
    return response.json() if response.status_code == 200 else []


def give(page: Page, files: dict[str, bytes]) -> None:
    page.set_input_files("#files", [{"name": name, "mimeType": "", "buffer": data} for name, data in files.items()])


@pytest.mark.parametrize("locale", SUMMARIES)
def test_500_files_arrive_and_the_broken_one_is_named(
    open_page: Open, server: servers.Server, watch: Watch, tmp_path: Path, locale: str
) -> None:
    watch.allowed = ("status of 409",)
    files = write_files(tmp_path, DROPPED - 1)
    page = open_page("#/upload", locale=locale)
    page.evaluate(LONGEST_PAUSE)

    page.set_input_files("#files", files)

    expect(page.locator(".count")).to_have_text(SUMMARIES[locale].format(DROPPED - 1, DROPPED, 1, 0), timeout=60_000)
    expect(page.locator(".uploads li").first).to_contain_text("broken.dcm")
    expect(page.locator(".uploads li").first).to_contain_text(REASONS[locale])
    assert page.evaluate("window.longest") < 1000
    (study, *_) = [one for one in found(server, "DROP1") if one["00201208"]["Value"] == [DROPPED - 1]]
    assert study
    page.locator(".summary a.button").click()
    expect(page.locator("h1")).to_have_text("Dropped Files")


def test_files_and_archives_are_dropped_onto_the_page(open_page: Open, server: servers.Server) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for number, method in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
            writer.writestr(f"folder/{number}", make_object(PatientID="ZIP1"), method)
        writer.writestr("folder/DICOMDIR", b"directory")
    page = open_page("#/upload")

    files = {"one.dcm": make_object(PatientID="ZIP1"), "all.zip": archive.getvalue()}
    page.evaluate(DROP, [[name, base64.b64encode(data).decode()] for name, data in files.items()])

    expect(page.locator(".count")).to_have_text("3 of 3 stored, 0 failed, 1 left out")
    assert len(found(server, "ZIP1")) == 3


def test_an_archive_that_lies_is_refused_in_words(open_page: Open) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("bomb", bytes(5_000_000))
    data = archive.getvalue()
    # The directory promises ten bytes; far more would come out.
    place = data.rindex(b"PK\x01\x02") + 24
    lying = data[:place] + (10).to_bytes(4, "little") + data[place + 4 :]
    page = open_page("#/upload")

    give(page, {"bomb.zip": lying, "cut.zip": data[: len(data) // 2]})

    expect(page.locator(".count")).to_have_text("0 of 2 stored, 2 failed, 0 left out")
    for text in page.locator(".uploads li").all_inner_texts():
        assert "cannot be unpacked" in text


@pytest.mark.parametrize("locale", SUMMARIES)
def test_photographs_and_documents_become_a_study(open_page: Open, server: servers.Server, locale: str) -> None:
    page = open_page("#/upload", locale=locale)
    patient = f"PHOTO-{locale[:2]}"

    give(page, {"skin.jpg": picture(), "letter.pdf": b"%PDF-1.4\n%%EOF\n"})
    page.fill("dialog input[name=family]", "Müller")
    page.fill("dialog input[name=given]", "Jörg")
    page.fill("dialog input[name=id]", patient)
    page.fill("dialog input[name=birth]", "1970-02-03")
    page.select_option("dialog select", "M")
    page.locator("dialog .primary").click()

    expect(page.locator(".count")).to_have_text(SUMMARIES[locale].format(2, 2, 0, 0))
    (study,) = found(server, patient)
    assert study["00100010"]["Value"] == [{"Alphabetic": "Müller^Jörg"}]
    assert study["00100030"]["Value"] == ["19700203"]
    assert study["00080061"]["Value"] == ["DOC", "XC"]


def test_an_upload_is_paused_and_failed_files_are_tried_again(open_page: Open, watch: Watch) -> None:
    watch.allowed = ("net::ERR_FAILED",)
    page = open_page("#/upload")
    page.route(
        "**/dicomweb/studies", lambda route: route.abort() if route.request.method == "POST" else route.fallback()
    )
    give(page, {f"{number}.dcm": make_object(PatientID="RETRY1") for number in range(3)})
    expect(page.locator(".count")).to_have_text("0 of 3 stored, 3 failed, 0 left out")
    page.unroute("**/dicomweb/studies")

    page.get_by_text("Try the failed ones again").click()
    expect(page.locator(".count")).to_have_text("3 of 3 stored, 0 failed, 0 left out")
    give(page, {f"{number}.dcm": make_object(PatientID="RETRY2") for number in range(200)})
    page.get_by_text("Pause").click()
    page.get_by_text("Go on").wait_for()
    page.wait_for_timeout(1000)
    halfway = page.locator(".count").inner_text()
    page.get_by_text("Go on").click()

    assert not halfway.startswith("203")
    expect(page.locator(".count")).to_have_text("203 of 203 stored, 0 failed, 0 left out", timeout=30_000)
