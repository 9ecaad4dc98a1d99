"""Resources of the SOAP service (WADO-WS, IHE RAD-69)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.web.resources.resource import Parameter, Resource, Service
from hilum.web.services import soap

SOAP_RESOURCES: Final = (
    Resource(
        "POST",
        "",
        soap.carry_out,
        transaction="Retrieve Imaging Document Set",
        source="IHE RAD-69; PS3.18 2016e 6.4",
        statuses=(
            HTTPStatus.OK,
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.INTERNAL_SERVER_ERROR,
        ),
        media_types=('multipart/related; type="application/xop+xml"', "application/soap+xml"),
        request_types=("application/soap+xml", "multipart/related"),
        is_served=lambda settings: settings.soap.enabled,
    ),
    Resource(
        "GET",
        "",
        soap.describe,
        transaction="Describe the SOAP Service",
        source="IHE RAD-69",
        statuses=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
        parameters=(Parameter("wsdl", "The description."), Parameter("xsd", "One of its schemas.")),
        media_types=("text/xml",),
        is_served=lambda settings: settings.soap.enabled,
    ),
)

SOAP_SERVICE: Final = Service("SOAP Service", lambda http: http.soap_root, SOAP_RESOURCES)
