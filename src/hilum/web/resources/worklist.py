"""Resources of the Worklist Service (PS3.18 chapter 11)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from hilum.dicom.worklist.requirements import REQUIREMENTS
from hilum.web.resources.resource import Handler, Parameter, Resource, Service, Socket
from hilum.web.resources.shared import ACCEPT, PAGING, SEARCH_STATUSES
from hilum.web.services import events, worklist
from hilum.web.services.data_sets import OFFERS, OFFERS_OF_ONE, REQUEST_TYPES

_WORKITEMS: Final = "/workitems"
_WORKITEM: Final = "/workitems/{workitem}"
_SUBSCRIBER: Final = "/workitems/{target}/subscribers/{aetitle}"
_CHANNEL: Final = "/subscribers/{aetitle}"

_FORMS: Final = tuple(str(offer) for offer in OFFERS)
_FORMS_OF_ONE: Final = tuple(str(offer) for offer in OFFERS_OF_ONE)
_TRANSACTION_UID: Final = Parameter("transaction-uid", "Transaction UID of the claim, if the payload does not say it.")
_DELETION_LOCK: Final = Parameter("deletionlock", "Keep workitems from being deleted.", "boolean")
_FILTER: Final = Parameter("filter", "Which workitems: `attribute=value` with commas between them.")
_REQUESTER: Final = Parameter("requester", "AE title of the one who asks.")
_SEARCH_PARAMETERS: Final = (
    ACCEPT,
    *PAGING,
    Parameter("ProcedureStepState", "Match: any attribute by keyword, tag or sequence path may be given so."),
    Parameter("ScheduledProcedureStepStartDateTime", "Match: a date and time, or a range such as `20240101-`."),
)

_REFUSALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE)
_PAYLOAD_REFUSALS: Final = (
    *_REFUSALS,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)


def _payload(  # noqa: PLR0913, PLR0917 - the columns of the table
    method: str,
    path: str,
    handler: Handler,
    transaction: str,
    source: str,
    status: HTTPStatus,
    parameters: tuple[Parameter, ...] = (),
) -> Resource:
    return Resource(
        method,
        path,
        handler,
        transaction=transaction,
        source=source,
        statuses=(status, *_PAYLOAD_REFUSALS),
        parameters=parameters,
        request_types=REQUEST_TYPES,
    )


def _subscription(  # noqa: PLR0913, PLR0917 - the columns of the table
    method: str,
    path: str,
    handler: Handler,
    transaction: str,
    source: str,
    status: HTTPStatus,
    parameters: tuple[Parameter, ...] = (),
) -> Resource:
    statuses = (status, HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    return Resource(method, path, handler, transaction, source, statuses, parameters)


_OK, _CREATED, _ACCEPTED = HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED

_CHANGE: Final = ("Change Workitem State", "PS3.18 11.7", _OK)
_CANCEL: Final = ("Request Workitem Cancellation", "PS3.18 11.8", _ACCEPTED)

WORKLIST_RESOURCES: Final = (
    Resource(
        "GET",
        _WORKITEMS,
        worklist.search,
        transaction="Search for Workitems",
        source="PS3.18 11.9",
        statuses=SEARCH_STATUSES,
        parameters=_SEARCH_PARAMETERS,
        media_types=_FORMS,
        keys=(
            "SOPInstanceUID",
            *(row.path for row in REQUIREMENTS if row.is_returned and row.path != "SOPInstanceUID"),
        ),
    ),
    _payload(
        "POST",
        _WORKITEMS,
        worklist.create,
        "Create Workitem",
        "PS3.18 11.4",
        _CREATED,
        (Parameter("workitem", "SOP Instance UID of the new workitem, if the payload does not say it."),),
    ),
    Resource(
        "GET",
        _WORKITEM,
        worklist.retrieve,
        transaction="Retrieve Workitem",
        source="PS3.18 11.5",
        statuses=(
            HTTPStatus.OK,
            HTTPStatus.NOT_MODIFIED,
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.NOT_ACCEPTABLE,
            HTTPStatus.GONE,
        ),
        parameters=(ACCEPT,),
        media_types=_FORMS_OF_ONE,
    ),
    _payload("POST", _WORKITEM, worklist.update, "Update Workitem", "PS3.18 11.6", _OK, (_TRANSACTION_UID,)),
    _payload("PUT", f"{_WORKITEM}/state", worklist.change_workitem_state, *_CHANGE),
    _payload("PUT", f"{_WORKITEM}/state/{{performer}}", worklist.change_workitem_state, *_CHANGE),
    _payload("POST", f"{_WORKITEM}/cancelrequest", worklist.request_workitem_cancellation, *_CANCEL, (_REQUESTER,)),
    _payload("POST", f"{_WORKITEM}/cancelrequest/{{requester}}", worklist.request_workitem_cancellation, *_CANCEL),
    _subscription(
        "POST", _SUBSCRIBER, worklist.subscribe, "Subscribe", "PS3.18 11.10", _CREATED, (_DELETION_LOCK, _FILTER)
    ),
    _subscription("DELETE", _SUBSCRIBER, worklist.unsubscribe, "Unsubscribe", "PS3.18 11.11", _OK),
    _subscription(
        "POST", f"{_SUBSCRIBER}/suspend", worklist.suspend, "Suspend Global Subscription", "PS3.18 11.12", _OK
    ),
    Resource(
        "GET",
        _CHANNEL,
        events.refuse_plain_request,
        transaction="Open Notification Connection",
        source="PS3.18 8.10.4",
        statuses=(HTTPStatus.SWITCHING_PROTOCOLS, HTTPStatus.BAD_REQUEST),
    ),
)

WORKLIST_SERVICE: Final = Service(
    "Worklist Service",
    lambda http: http.dicomweb_root,
    WORKLIST_RESOURCES,
    (Socket(_CHANNEL, events.open_notification_connection),),
)
