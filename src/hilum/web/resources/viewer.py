"""Resources of the viewer on board."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.web.resources.resource import Handler, Resource, Service
from hilum.web.viewer import handlers

_STATUSES: Final = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)


def _resource(path: str, handler: Handler, what: str, media_types: tuple[str, ...]) -> Resource:
    return Resource(
        "GET",
        path,
        handler,
        transaction=what,
        source="Extension; no transaction of PS3.18",
        statuses=_STATUSES,
        media_types=media_types,
    )


VIEWER_RESOURCES: Final = (
    _resource("/files/{build}/{path:path}", handlers.retrieve_file, "Retrieve a File of the Viewer", ()),
    _resource("/app-config.js", handlers.configure_viewer, "Configure the Viewer", ("text/javascript",)),
    _resource("", handlers.open_viewer, "Open the Viewer", ("text/html",)),
    _resource("/{path:path}", handlers.open_viewer, "Open the Viewer", ("text/html",)),
)
"""Any path below the root that is no file is one of the viewer's own pages."""

VIEWER_SERVICE: Final = Service("Viewer", lambda http: http.viewer_root, VIEWER_RESOURCES)
