"""The page that starts OHIF, the configuration that it reads, and the headers under which both run.

The page is ours and not the package's: it holds no script of its own, so that a policy can forbid those, and its URLs
start at the path that the user agent sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

import orjson

from hilum.viewer.installation import Installation

CONFIGURATION: Final = "app-config.js"
"""Name of the configuration below the viewer's root."""

# What OHIF needs beyond its own files:
#   'unsafe-eval'                      codecs in workers, and segmentations in the page, are read by functions that are
#                                      built from text; no text of a study is among it
#   style 'unsafe-inline', img data:   its interface
#   blob:                              workers, thumbnails and documents that it holds in memory
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self' 'unsafe-eval'",
    "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' blob:",
    "connect-src 'self' data: blob:",
    "object-src 'self' blob:",
    "frame-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
)

FILE_HEADERS: Final[Mapping[str, str]] = {
    # Page and workers may share memory where their origin is alone in its process.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # Workers are held to the policy of their own script.
    "Content-Security-Policy": "; ".join(_POLICY),
}
PAGE_HEADERS: Final[Mapping[str, str]] = {
    **FILE_HEADERS,
    # Paths and queries of the viewer name studies.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="theme-color" content="#000000">
<title>OHIF Viewer</title>
<link rel="icon" href="{files}assets/favicon.ico">
<link rel="stylesheet" href="{files}app.bundle.css">
<script src="{root}/{configuration}"></script>
<script defer src="{files}{script}"></script>
</head>
<body>
<noscript>The viewer needs JavaScript.</noscript>
<div id="react-portal"></div>
<div id="root"></div>
</body>
</html>
"""

_CONFIGURATION: Final = """// Configuration of OHIF for this origin server; made by it.
console.time("scriptToView");
window.PUBLIC_URL = {files};
window.browserImportFunction = (name) => import(name);
window.config = {config};
"""


def files_path(root: str, installation: Installation) -> str:
    """Return the path below which the viewer's files are, with a final slash.

    Args:
        root: path of the viewer as the user agent sees it.
        installation: which build.
    """
    return f"{root}/files/{installation.build}/"


def page(root: str, installation: Installation) -> str:
    """Return the page; the same for each of the viewer's paths, which it reads itself."""
    script = next((name for name in installation.files if name.startswith("app.bundle.") and name.endswith(".js")), "")
    files = escape(files_path(root, installation))
    return _PAGE.format(files=files, root=escape(root), configuration=CONFIGURATION, script=escape(script))


def configuration(root: str, service: str, installation: Installation) -> str:
    """Return the script that configures OHIF.

    Args:
        root: path of the viewer as the user agent sees it.
        service: path of the RESTful services as the user agent sees it.
        installation: which build.
    """
    return _CONFIGURATION.format(
        files=orjson.dumps(files_path(root, installation)).decode(),
        config=orjson.dumps(_settings(root, service), option=orjson.OPT_INDENT_2).decode(),
    )


def _settings(root: str, service: str) -> dict[str, object]:
    source = {
        "friendlyName": "Hilum",
        "name": "hilum",
        "qidoRoot": service,
        "wadoRoot": service,
        "qidoSupportsIncludeField": True,
        "supportsFuzzyMatching": True,
        "supportsWildcard": True,
        "supportsStow": True,
        "dicomUploadEnabled": True,
        "imageRendering": "wadors",
        "thumbnailRendering": "thumbnail",
        "thumbnailRequestStrategy": "fetch",
        "enableStudyLazyLoad": True,
        "bulkDataURI": {"enabled": True},
        "singlepart": "bulkdata,video,pdf",
        "omitQuotationForMultipartRequest": False,
    }
    return {
        "name": "hilum",
        "routerBasename": root,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": True,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "groupEnabledModesFirst": True,
        "showErrorDetails": "always",
        "maxNumRequests": {"interaction": 100, "thumbnail": 5, "prefetch": 25},
        "defaultDataSourceName": "hilum",
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": "hilum",
                "configuration": source,
            }
        ],
    }
