"""Resources of the Storage Commitment Service (PS3.18 chapter 13)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.web.resources.resource import Parameter, Resource, Service
from hilum.web.services import commitment
from hilum.web.services.data_sets import OFFERS_OF_ONE, REQUEST_TYPES

_PATH: Final = "/commitment-requests/{transaction}"
_FORMS: Final = tuple(str(offer) for offer in OFFERS_OF_ONE)
_ACCEPT: Final = Parameter("accept", "Acceptable media types, as in the Accept header, without wildcards.")

COMMITMENT_RESOURCES: Final = (
    Resource(
        "POST",
        _PATH,
        commitment.request_commitment,
        transaction="Request Storage Commitment",
        source="PS3.18 13.4",
        statuses=(
            HTTPStatus.OK,
            HTTPStatus.ACCEPTED,
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_ACCEPTABLE,
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
        parameters=(_ACCEPT,),
        media_types=_FORMS,
        request_types=REQUEST_TYPES,
        empty_statuses=(HTTPStatus.ACCEPTED,),
    ),
    Resource(
        "GET",
        _PATH,
        commitment.request_result_check,
        transaction="Request Storage Commitment Result Check",
        source="PS3.18 13.5",
        statuses=(
            HTTPStatus.OK,
            HTTPStatus.ACCEPTED,
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.NOT_ACCEPTABLE,
            HTTPStatus.GONE,
        ),
        parameters=(_ACCEPT,),
        media_types=_FORMS,
        empty_statuses=(HTTPStatus.ACCEPTED,),
        json_schema="DataSet",
    ),
)

COMMITMENT_SERVICE: Final = Service("Storage Commitment Service", lambda http: http.dicomweb_root, COMMITMENT_RESOURCES)
