"""What the target resources of the Worklist Service name: workitems, AE titles, Transaction UIDs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from starlette.requests import HTTPConnection, Request

from hilum.dicom.uids import is_uid
from hilum.errors import InvalidRequest

_AE_TITLE: Final = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")
_TRANSACTION_UID_NAMES: Final = frozenset({"transaction-uid", "TransactionUID", "00081195"})
_BOOLEANS: Final = frozenset({"true", "false"})


def workitem_of(request: Request, name: str = "workitem") -> str:
    """Return the UID in the path.

    Raises:
        InvalidRequest: it is none.
    """
    uid: str = request.path_params[name]
    if not is_uid(uid):
        raise InvalidRequest(f"The {name} in the path is no UID.")
    return uid


def ae_title_of(connection: HTTPConnection, name: str) -> str:
    """Return the AE title in the path: 1 to 16 characters, no backslash, no control character (UPS-83).

    Raises:
        InvalidRequest: it is none.
    """
    return _checked_ae_title(connection.path_params[name], name)


def _checked_ae_title(text: str, name: str) -> str:
    if not (_AE_TITLE.fullmatch(text) and text.strip(" ")):
        raise InvalidRequest(f"The {name} is no AE title.")
    return text.strip(" ")


def requester_of(request: Request) -> str:
    """Return the AE title of the one who asks for a cancellation, '' if nothing names it (UPSX-08).

    Raises:
        InvalidRequest: what names it is no AE title.
    """
    if "requester" in request.path_params:
        return ae_title_of(request, "requester")
    values = [value for name, value in _parameters(request) if name == "requester"]
    return _checked_ae_title(values[0], "requester") if values else ""


def uid_of_query(request: Request) -> str:
    """Return the UID of a workitem to be created: `?workitem=UID`, or bare (UPS-12); '' if there is none.

    Raises:
        InvalidRequest: it is no UID, or there are several.
    """
    return _uid_parameter(request, frozenset({"workitem"}), "workitem")


def transaction_uid_of(request: Request) -> str:
    """Return the Transaction UID of the query: `?transaction-uid=UID`, `?TransactionUID=UID` or bare (UPS-42).

    Raises:
        InvalidRequest: it is no UID, or there are several.
    """
    return _uid_parameter(request, _TRANSACTION_UID_NAMES, "Transaction UID")


def _uid_parameter(request: Request, names: frozenset[str], what: str) -> str:
    found = set()
    for name, value in _parameters(request):
        if name in names:
            found.add(value)
        elif not value and name[:1].isdigit():
            found.add(name)
    if len(found) > 1:
        raise InvalidRequest(f"The query names more than one {what}.")
    uid = found.pop() if found else None
    if uid is not None and not is_uid(uid):
        raise InvalidRequest(f"The {what} in the query is no UID.")
    return uid or ""


def deletion_lock_of(request: Request) -> str:
    """Return the value of `deletionlock`: `true` or `false`, which is the default (UPS-80).

    Raises:
        InvalidRequest: it has another value, or stands more than once.
    """
    values = [value for name, value in _parameters(request) if name == "deletionlock"] or ["false"]
    if len(values) > 1 or values[0] not in _BOOLEANS:
        raise InvalidRequest("The value of deletionlock is true or false.")
    return values[0]


def _parameters(request: Request) -> Iterator[tuple[str, str]]:
    for item in request.scope["query_string"].decode("latin-1").split("&"):
        name, _, value = item.partition("=")
        yield unquote(name), unquote(value)
