from __future__ import annotations

import pytest

from hilum.viewer.adapting import adapted_files
from hilum.viewer.package import PackageRefused
from viewer_packages import FILES, SCRIPT


def test_what_a_browser_needs_is_kept_under_the_names_of_its_urls() -> None:
    files = dict(adapted_files(FILES.items()))

    assert set(files) == {"LICENSE", SCRIPT, "app.bundle.css", "f.woff2", "136.js", "assets/favicon.ico"}


def test_parts_are_asked_for_below_the_public_url_and_not_at_the_top_of_the_host() -> None:
    files = dict(adapted_files(FILES.items()))

    assert b'__webpack_require__.p = self.PUBLIC_URL || new URL(".", self.location.href).href;' in files[SCRIPT]
    assert files["app.bundle.css"] == b"@font-face{src:url(f.woff2)}"
    assert files["136.js"].startswith(b"window.browserImportFunction(self.PUBLIC_URL + 'dicom-microscopy-viewer/")
    assert files["f.woff2"] == b"font"


@pytest.mark.parametrize("name", [f"dist/{SCRIPT}", "dist/app.bundle.css", "dist/136.js"])
def test_a_package_that_is_built_in_another_way_is_refused(name: str) -> None:
    with pytest.raises(PackageRefused, match="not built as"):
        list(adapted_files((FILES | {name: b"something else"}).items()))
