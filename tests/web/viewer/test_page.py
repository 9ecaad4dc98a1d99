from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hilum.viewer.installation import Installation
from hilum.web.viewer.page import FILE_HEADERS, PAGE_HEADERS, configuration, page
from viewer_packages import SCRIPT, install_small


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    return install_small(tmp_path)


def test_every_url_of_the_page_is_below_the_viewers_own_path(installed: Installation) -> None:
    text = page("/imaging/viewer", installed)

    urls = re.findall(r'(?:src|href)="([^"]+)"', text)
    files = f"/imaging/viewer/files/{installed.build}/"
    assert set(urls) == {
        "/imaging/viewer/app-config.js",
        files + SCRIPT,
        f"{files}app.bundle.css",
        f"{files}assets/favicon.ico",
    }


def test_the_page_holds_no_script_of_its_own_so_that_the_policy_forbids_them(installed: Installation) -> None:
    policy = PAGE_HEADERS["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))

    assert re.findall(r"<script[^>]*>([^<]+)", page("/viewer", installed)) == []
    assert scripts == "script-src 'self' 'unsafe-eval'"
    assert "default-src 'none'" in policy
    assert "http" not in policy + FILE_HEADERS["Content-Security-Policy"]


def test_the_configuration_names_this_server_by_paths_alone(installed: Installation) -> None:
    text = configuration("/imaging/viewer", "/imaging/dicomweb", installed)

    config = json.loads(text[text.index("window.config = ") + len("window.config = ") : text.rindex(";")])
    source = config["dataSources"][0]["configuration"]
    assert config["routerBasename"] == "/imaging/viewer"
    assert (source["qidoRoot"], source["wadoRoot"]) == ("/imaging/dicomweb", "/imaging/dicomweb")
    assert f'window.PUBLIC_URL = "/imaging/viewer/files/{installed.build}/";' in text
    assert "http" not in text


def test_the_configuration_for_other_viewers_is_the_same(installed: Installation) -> None:
    docs = (Path(__file__).parents[3] / "docs" / "ohif.js").read_text()

    ours = configuration("/", "http://127.0.0.1:8080/dicomweb", installed)

    start = "window.config = "
    assert docs[docs.index(start) :] == ours[ours.index(start) :]
