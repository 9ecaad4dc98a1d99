"""What one row of the table of resources says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from hilum.config import HttpSettings, Settings

Handler = Callable[[Request], Awaitable[Response | Callable[[Scope, Receive, Send], Awaitable[None]]]]


def _always(_settings: Settings) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter of a resource."""

    name: str
    description: str
    schema: str = "string"
    """JSON Schema type."""
    options: tuple[str, ...] = ()
    """The values that there are; (): any of the type."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One method of one resource of PS3.18."""

    method: str
    path: str
    handler: Handler
    transaction: str
    source: str
    statuses: tuple[HTTPStatus, ...]
    parameters: tuple[Parameter, ...] = ()
    media_types: tuple[str, ...] = ()
    """Media types of a successful response, the default first."""
    request_types: tuple[str, ...] = ()
    """Media types of the request's payload."""
    empty_statuses: tuple[HTTPStatus, ...] = ()
    """Statuses of success without a payload, beside those that never have one."""
    json_schema: Literal["", "DataSet", "DataSets"] = ""
    """Schema of a payload in the DICOM JSON Model; '': with POST one data set, else an array of data sets."""
    transfer_syntaxes: tuple[str, ...] = ()
    """Transfer syntaxes in which whole objects can be had, the default first."""
    keys: tuple[str, ...] = ()
    """Names of the matching keys that the standard asks for; others are taken as well."""
    sop_classes: tuple[str, ...] = ()
    """SOP Class UIDs that the resource is for; (): any that belongs to studies."""
    is_served: Callable[[Settings], bool] = _always
    """Whether this server has the resource; one that it has not is in no route and in no description."""


@dataclass(frozen=True, slots=True)
class Socket:
    """One WebSocket of a service (PS3.18 8.10)."""

    path: str
    handler: Callable[[WebSocket], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """One service of PS3.18: its resources, and the setting that says where they are served."""

    name: str
    root: Callable[[HttpSettings], str]
    """Path that the resources' paths are relative to."""
    resources: tuple[Resource, ...]
    sockets: tuple[Socket, ...] = ()
