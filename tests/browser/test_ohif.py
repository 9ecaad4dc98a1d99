"""OHIF, installed from its package, opens studies of a running server in a real browser."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, HTJ2KLossless, ImplicitVRLittleEndian, JPEG2000Lossless

import servers
import viewer_studies as studies
from dicomweb import store
from hilum.viewer.installation import install
from hilum.viewer.release import OHIF
from samples import encode, make_dataset

playwright_api = pytest.importorskip("playwright.sync_api", reason="the wheel playwright is not installed")

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hilum-tests"
ARCHIVE = CACHE / OHIF.file_name
CHROMIUM = shutil.which("chromium") or ""
OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
PICTURES: Final = Path(__file__).parents[2] / "docs" / "images"
PATIENCE_MS: Final = 120_000
"""For machines that do much else."""

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"run npm pack {OHIF.package}@{OHIF.version} in {CACHE}"),
]

# Both cover parts of the first viewport until they are confirmed once.
WITHOUT_GREETINGS: Final = """
if (location.pathname.startsWith("/viewer")) {
  sessionStorage.setItem("investigationalUseDialog", "hidden");
  localStorage.setItem("shownTours", '["basicViewerTour"]');
}
"""
QUADRANTS: Final = """() => {
  const canvas = document.querySelector("canvas.cornerstone-canvas");
  if (!canvas) return null;
  const context = canvas.getContext("2d"), side = Math.min(canvas.width, canvas.height);
  const at = (x, y) => context.getImageData(canvas.width / 2 + x * side / 4, canvas.height / 2 + y * side / 4, 1, 1);
  return [[-1, -1], [1, -1], [-1, 1], [1, 1]].map(([x, y]) => [...at(x, y).data].slice(0, 3));
}"""
SHOWS: Final = f"""([wanted, tolerance]) => {{
  const found = ({QUADRANTS})();
  return found && found.every((color, i) => color.every((value, j) => Math.abs(value - wanted[i][j]) <= tolerance));
}}"""
VIEWPORT: Final = "cornerstone.getRenderingEngines()?.[0]?.getViewports()[0]"
GREY: Final = [[shade] * 3 for shade in (64, 255, 192, 128)]
"""What the quadrants of a CT look like in its window."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    data = Path(tmp_path_factory.mktemp("ohif")) / "data"
    install(ARCHIVE, OHIF, data)
    with servers.running(data) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield browser
        browser.close()


@dataclass
class Viewing:
    """A browser's window, and what went wrong in it."""

    page: Any
    origin: str
    requested: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", self._note_request)
        self.page.on("response", self._note_response)
        self.page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url} {request.failure}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        self.page.on("console", self._note_message)

    def _note_request(self, request: Any) -> None:
        self.requested.append(request.url)
        # The browser's own PDF viewer is made of pages of the browser.
        own = (self.origin + "/", f"blob:{self.origin}/", "data:", "chrome://", "chrome-extension://")
        if not request.url.startswith(own):
            self.faults.append(f"foreign: {request.url}")

    def _note_response(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")

    def _note_message(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def open(self, study: str, mode: str = "viewer") -> None:
        self.page.goto(f"{self.origin}/viewer/{mode}?StudyInstanceUIDs={study}")

    def shows(self, colors: list[list[int]], tolerance: int = 6) -> None:
        """Wait until the quadrants of the first viewport have these colours."""
        try:
            self.page.wait_for_function(SHOWS, arg=[colors, tolerance], timeout=PATIENCE_MS)
        except playwright_api.TimeoutError:
            pytest.fail(f"{self.page.evaluate(QUADRANTS)} is not {colors}; {self.faults}")

    def keep(self, name: str) -> None:
        """Write a picture of the window to `docs/images`, if `HILUM_TEST_PICTURES` is set."""
        if os.environ.get("HILUM_TEST_PICTURES"):
            picture = Image.open(io.BytesIO(self.page.screenshot()))
            picture.quantize(64).save(PICTURES / f"ohif-{name}.png", optimize=True)

    def loads(self, frames: int) -> None:
        """Wait until so many frames have come."""
        while sum("/frames/" in url for url in self.requested) < frames:
            with self.page.expect_response(lambda response: "/frames/" in response.url, timeout=PATIENCE_MS):
                pass


@pytest.fixture
def viewing(server: servers.Server, chromium: Any) -> Iterator[Viewing]:
    page = chromium.new_page(viewport={"width": 1000, "height": 700})
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(WITHOUT_GREETINGS)
    viewing = Viewing(page, server.origin)
    viewing.watch()
    yield viewing
    page.close()
    assert viewing.faults == []


def stored(server: servers.Server, *objects: bytes) -> str:
    """Store objects of one study; return its UID."""
    with server.client() as client:
        assert store(client, *objects).status_code == 200
    return str(pydicom.dcmread(io.BytesIO(objects[0]), stop_before_pixels=True).StudyInstanceUID)


@pytest.mark.parametrize(
    "transfer_syntax_uid",
    [ExplicitVRLittleEndian, JPEG2000Lossless, HTJ2KLossless],
    ids=["uncompressed", "JPEG 2000", "HTJ2K"],
)
def test_a_ct_of_300_slices_is_shown_in_its_window(
    server: servers.Server, viewing: Viewing, transfer_syntax_uid: str
) -> None:
    viewing.open(stored(server, *studies.ct_series(300, transfer_syntax_uid)))

    viewing.shows(GREY)
    viewing.loads(300)
    assert viewing.page.evaluate(f"() => {VIEWPORT}.getImageIds().length") == 300
    viewing.page.keyboard.press("End")
    viewing.shows(GREY)
    assert viewing.page.evaluate("() => crossOriginIsolated")


def test_a_multi_frame_ultrasound_is_shown_in_colour(server: servers.Server, viewing: Viewing) -> None:
    viewing.open(stored(server, studies.ultrasound(12)))

    viewing.shows([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]])
    viewing.loads(12)


def test_a_pdf_is_shown_by_the_browser(server: servers.Server, viewing: Viewing) -> None:
    viewing.open(stored(server, studies.pdf_document()))

    viewing.page.wait_for_selector("object[type='application/pdf'], iframe, embed")
    for _ in range(100):
        picture = np.asarray(Image.open(io.BytesIO(viewing.page.screenshot())).convert("RGB")).astype(int)
        red = (picture[..., 0] > 200) & (picture[..., 1:].max(axis=-1) < 40)
        if red.sum() > 20_000:
            break
        viewing.page.wait_for_timeout(300)
    else:
        pytest.fail("The page of the PDF is not to be seen.")


def test_a_report_is_shown_as_text(server: servers.Server, viewing: Viewing) -> None:
    viewing.open(stored(server, studies.structured_report()))

    viewing.page.get_by_text("A red square of 200 points.").wait_for()
    viewing.page.get_by_text("Finding:").wait_for()


def test_a_segmentation_is_laid_over_its_ct(server: servers.Server, viewing: Viewing) -> None:
    images = studies.ct_datasets(10)
    viewing.open(stored(server, *map(encode, images), studies.segmentation_of(images)))
    viewing.shows(GREY)

    viewing.page.get_by_text("Right half").first.dblclick()

    viewing.page.wait_for_function(TINTED_RIGHT, timeout=PATIENCE_MS)
    viewing.keep("segmentation")


TINTED_RIGHT: Final = f"""() => {{
  const found = ({QUADRANTS})();
  if (!found) return false;
  const spread = found.map((color) => Math.max(...color) - Math.min(...color));
  return spread[0] < 5 && spread[2] < 5 && spread[1] > 20 && spread[3] > 20;
}}"""


@pytest.mark.parametrize(
    "transfer_syntax_uid", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"]
)
def test_counts_of_a_pet_become_suv_by_a_private_value(
    server: servers.Server, viewing: Viewing, transfer_syntax_uid: str
) -> None:
    viewing.open(stored(server, *studies.pet_series(5, transfer_syntax_uid)))
    viewing.page.wait_for_function("() => document.querySelector('canvas.cornerstone-canvas')")

    viewing.page.wait_for_function(f"() => {VIEWPORT}?.csImage?.preScale?.scaled")
    scaling = viewing.page.evaluate(f"() => {VIEWPORT}.csImage.preScale.scalingParameters")
    assert scaling["suvbw"] == pytest.approx(studies.SUV_SCALE_FACTOR)
    assert scaling["rescaleSlope"] == 2
    extremes = viewing.page.evaluate(f"() => [{VIEWPORT}.csImage.minPixelValue, {VIEWPORT}.csImage.maxPixelValue]")
    # 1,000 and 8,000 counts, the slope of 2, and the factor.
    assert extremes == pytest.approx([1, 8])


def test_the_study_list_finds_what_is_stored(server: servers.Server, viewing: Viewing) -> None:
    dataset = make_dataset(PatientName="Äußerst^Selten", StudyDescription="<b>Bold</b>")
    stored(server, encode(dataset))

    viewing.page.goto(f"{server.origin}/viewer")

    viewing.page.get_by_text("Äußerst").first.wait_for()
    viewing.keep("study-list")
    assert viewing.page.locator("b", has_text="Bold").count() == 0
