"""Resources of the Non-Patient Instance Service (PS3.18 chapter 12)."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from pydicom.datadict import dictionary_keyword

from hilum.dicom.npi.categories import CATEGORIES
from hilum.render.color.strip import PICTURES
from hilum.web.resources.resource import Handler, Parameter, Resource, Service
from hilum.web.resources.shared import ACCEPT, CHARSET, MATCHING, PAGING, SEARCH_STATUSES
from hilum.web.services import npi
from hilum.web.services.data_sets import OFFERS, OFFERS_OF_ONE

_FORMS: Final = tuple(str(offer) for offer in OFFERS)
_FORMS_OF_ONE: Final = tuple(str(offer) for offer in OFFERS_OF_ONE)
_OBJECT: Final = ("application/dicom", 'multipart/related; type="application/dicom"')
_SEARCH_PARAMETERS: Final = (
    ACCEPT,
    CHARSET,
    *PAGING,
    *MATCHING,
    Parameter("SOPInstanceUID", "Match: any attribute by keyword, tag or sequence path may be given so."),
)
_RETRIEVE_STATUSES: Final = (
    HTTPStatus.OK,
    HTTPStatus.PARTIAL_CONTENT,
    HTTPStatus.NOT_MODIFIED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_STORE_STATUSES: Final = (
    HTTPStatus.OK,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_TITLES: Final = {name: name.replace("-", " ").title() for name in CATEGORIES}


def _retrieve(path: str, handler: Handler, what: str, source: str, media_types: tuple[str, ...]) -> Resource:
    return Resource(
        "GET",
        path,
        handler,
        transaction=f"Retrieve {what}",
        source=source,
        statuses=_RETRIEVE_STATUSES,
        parameters=(ACCEPT, CHARSET),
        media_types=media_types,
    )


def _store(path: str, name: str) -> Resource:
    return Resource(
        "POST",
        path,
        npi.store,
        transaction=f"Store {_TITLES[name]}",
        source="PS3.18 12.5",
        statuses=_STORE_STATUSES,
        parameters=(ACCEPT,),
        media_types=_FORMS_OF_ONE,
        request_types=npi.STORED_TYPES,
        sop_classes=tuple(CATEGORIES[name].sop_classes),
    )


def _of_category(name: str) -> Iterator[Resource]:
    path, title = f"/{name}", _TITLES[name]
    instance = f"{path}/{{uid}}"
    yield Resource(
        "GET",
        path,
        npi.search,
        transaction=f"Search for {title}",
        source="PS3.18 12.6",
        statuses=SEARCH_STATUSES,
        parameters=_SEARCH_PARAMETERS,
        media_types=_FORMS,
        keys=tuple(dictionary_keyword(int(tag, 16)) for tag in CATEGORIES[name].keys),
        sop_classes=tuple(CATEGORIES[name].sop_classes),
    )
    yield _store(path, name)
    yield _retrieve(instance, npi.retrieve_instance, title, "PS3.18 12.4", (*_FORMS_OF_ONE, *_OBJECT))
    yield _store(instance, name)
    yield _retrieve(
        f"{instance}/metadata", npi.retrieve_metadata, f"Metadata of {title}", "Extension of PS3.18 12.4", _FORMS_OF_ONE
    )


NPI_RESOURCES: Final = (
    *(resource for name in CATEGORIES for resource in _of_category(name)),
    _retrieve(
        "/color-palettes/{uid}/rendered",
        npi.retrieve_rendered,
        "Rendered Color Palettes",
        "Extension of PS3.18 12.4",
        tuple(PICTURES),
    ),
)

NPI_SERVICE: Final = Service("Non-Patient Instance Service", lambda http: http.dicomweb_root, NPI_RESOURCES)
