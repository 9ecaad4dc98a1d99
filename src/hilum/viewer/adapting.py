"""What of the package is installed, and how it is made to work below any path.

The build of the npm package asks for its parts at the top of the host (`/app.bundle.js`). Three expressions of it
say so; each is replaced by one that starts at `PUBLIC_URL`, which the page sets, or where the running worker's own
script lies. Everything else stays as published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from hilum.viewer.package import PackageRefused

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
"""Files that a browser asks for, by the end of their names."""
COMPRESSED: Final = frozenset({".css", ".js", ".svg", ".wasm"})

_FOLDER: Final = "dist/"
_LICENSE: Final = "LICENSE"
_LEFT_OUT: Final = (
    # A run-time for models that the viewer would fetch from another host.
    "ort/",
    # Pages and scripts for other set-ups: a service worker, logging in at other hosts, a catalog.
    "app-config.js",
    "customizations/",
    "google.js",
    "init-service-worker.js",
    "oidc-client.min.js",
    "sw.js",
)

_PUBLIC_PATH: Final = (
    b'__webpack_require__.p = "/";',
    b'__webpack_require__.p = self.PUBLIC_URL || new URL(".", self.location.href).href;',
)
_MICROSCOPY: Final = (
    b"browserImportFunction('/dicom-microscopy-viewer/",
    b"browserImportFunction(self.PUBLIC_URL + 'dicom-microscopy-viewer/",
)
_STYLE_URL: Final = (b"url(/", b"url(")
_REPLACED: Final = {".js": (_PUBLIC_PATH, _MICROSCOPY), ".css": (_STYLE_URL,)}
# Without these the viewer would ask the top of the host: better not installed than broken.
_NEEDED: Final = (_PUBLIC_PATH, _MICROSCOPY, _STYLE_URL)


def adapted_files(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield the files to install, by names that are part of their URLs, adapted; `LICENSE` is among them.

    Args:
        files: of the package, as `read_package` yields them.

    Raises:
        PackageRefused: at the end: the package is not built as expected.
    """
    found = set()
    for name, content in files:
        if name == _LICENSE:
            yield name, content
        elif _is_installed(name):
            data = content
            for pair in _REPLACED.get(PurePosixPath(name).suffix, ()):
                if pair[0] in data:
                    found.add(pair)
                    data = data.replace(*pair)
            yield name.removeprefix(_FOLDER), data
    if found != set(_NEEDED):
        raise PackageRefused("The package of the viewer is not built as this version of Hilum expects it.")


def _is_installed(name: str) -> bool:
    inner = name.removeprefix(_FOLDER)
    return inner != name and not inner.startswith(_LEFT_OUT) and PurePosixPath(name).suffix in MEDIA_TYPES
