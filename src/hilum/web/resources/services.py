"""All services of this origin server, in the order in which requests are routed."""

from __future__ import annotations

from typing import Final

from hilum.web.resources.commitment import COMMITMENT_SERVICE
from hilum.web.resources.image_display import IMAGE_DISPLAY_SERVICE
from hilum.web.resources.npi import NPI_SERVICE
from hilum.web.resources.resource import Service
from hilum.web.resources.soap import SOAP_SERVICE
from hilum.web.resources.studies import STUDIES_SERVICE
from hilum.web.resources.uri import URI_SERVICE
from hilum.web.resources.viewer import VIEWER_SERVICE
from hilum.web.resources.worklist import WORKLIST_SERVICE

SERVICES: Final[tuple[Service, ...]] = (
    STUDIES_SERVICE,
    WORKLIST_SERVICE,
    COMMITMENT_SERVICE,
    NPI_SERVICE,
    SOAP_SERVICE,
    URI_SERVICE,
    VIEWER_SERVICE,
    IMAGE_DISPLAY_SERVICE,
)
