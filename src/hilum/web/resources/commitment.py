"""Resources of the Storage Commitment Service (PS3.18 chapter 13)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.web.resources.resource import Resource, Service
from hilum.web.resources.shared import ACCEPT, STORE_STATUSES
from hilum.web.services import commitment
from hilum.web.services.data_sets import OFFERS_OF_ONE, REQUEST_TYPES

_PATH: Final = "/commitment-requests/{transaction}"
_FORMS: Final = tuple(str(offer) for offer in OFFERS_OF_ONE)

COMMITMENT_RESOURCES: Final = (
    Resource(
        "POST",
        _PATH,
        commitment.request_commitment,
        transaction="Request Storage Commitment",
        source="PS3.18 13.4",
        statuses=STORE_STATUSES,
        parameters=(ACCEPT,),
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
        parameters=(ACCEPT,),
        media_types=_FORMS,
        empty_statuses=(HTTPStatus.ACCEPTED,),
        json_schema="DataSet",
    ),
)

COMMITMENT_SERVICE: Final = Service("Storage Commitment Service", lambda http: http.dicomweb_root, COMMITMENT_RESOURCES)
