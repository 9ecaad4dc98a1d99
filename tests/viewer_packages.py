"""Small packages in the place of the viewer's: built like it, so that everything but OHIF itself is tested."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from hilum.viewer.adapting import adapted_files
from hilum.viewer.installation import Installation, install_files
from hilum.viewer.package import read_package
from hilum.viewer.release import OHIF, Release

SCRIPT: Final = "app.bundle.0123456789abcdef.js"
FILES: Final[dict[str, bytes]] = {
    "LICENSE": b"MIT",
    "package.json": b"{}",
    f"dist/{SCRIPT}": b'start();\n__webpack_require__.p = "/";\n' + b"// a long script\n" * 500,
    "dist/app.bundle.css": b"@font-face{src:url(/f.woff2)}",
    "dist/f.woff2": b"font",
    "dist/136.js": b"window.browserImportFunction('/dicom-microscopy-viewer/viewer.min.js')",
    "dist/viewer.js.map": b"{}",
    "dist/index.html": b"<script src=/app.js></script>",
    "dist/app-config.js": b"window.config = {}",
    "dist/sw.js": b"importScripts('https://example.org/x.js')",
    "dist/ort/ort.js": b"models",
    "dist/assets/favicon.ico": b"\0\0\1\0",
}
"""Of a package that installs."""


def packed(files: Mapping[str, bytes], *, root: str = "package/") -> bytes:
    """Return an archive as npm makes them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(root + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def release_of(content: bytes, version: str = "1.0.0") -> Release:
    """Return a release that is pinned to an archive."""
    return replace(OHIF, version=version, size_bytes=len(content), sha512=hashlib.sha512(content).hexdigest())


def install_small(data: Path, files: Mapping[str, bytes] = FILES, version: str = "1.0.0") -> Installation:
    """Install a small package in the place of the viewer."""
    content = packed(files)
    stream = io.BytesIO(content)
    return install_files(adapted_files(read_package(stream)), release_of(content, version), data)
