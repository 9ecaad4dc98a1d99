"""What handlers need of the running server: one record, held by the application's state."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection, Request

from hilum.archive.archive import Archive
from hilum.config import Settings
from hilum.web.public_url import PublicUrl
from hilum.web.transfer.feed import Feed
from hilum.web.transfer.pool import Pool
from hilum.web.transfer.receive import Uploads
from hilum.web.transfer.renderings import Renderings
from hilum.web.transfer.send import Sender


@dataclass(frozen=True, slots=True)
class Origin:
    """One a process."""

    settings: Settings
    archive: Archive
    pool: Pool
    """Threads for transactions: the one hop a request."""
    uploads: Uploads
    sender: Sender
    public_url: PublicUrl
    feed: Feed
    """Event reports for the receivers that are connected to this process."""
    renderings: Renderings
    """Threads that render, and what they have finished."""
    messages: Pool
    """Threads for SOAP messages: one may ask for ten thousand documents, and searches must not wait for that."""

    def service_url(self, request: Request) -> str:
        """Return the absolute base URL of the RESTful services, as the user agent sees them."""
        return self.public_url.of(request) + self.settings.http.dicomweb_root


def origin_of(request: HTTPConnection) -> Origin:
    """Return the record of the application that serves `request`."""
    origin: Origin = request.app.state.origin
    return origin
