"""The OpenAPI 3.1 document, read from the table of resources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from hilum.config import Settings
from hilum.web.resources.resource import Parameter, Resource, Service

_PATH_PARAMETERS: Final = {
    "study": "Study Instance UID",
    "series": "Series Instance UID",
    "instance": "SOP Instance UID",
    "frames": "Frame numbers from 1, ascending, with commas between them",
    "workitem": "SOP Instance UID of the workitem",
    "target": "SOP Instance UID of a workitem, or the UID of a worklist: 1.2.840.10008.5.1.4.34.5 for all workitems, "
    "1.2.840.10008.5.1.4.34.5.1 for those that match the filter",
    "aetitle": "AE title of the receiver of event reports",
    "performer": "AE title of the performer",
    "requester": "AE title of the one who asks",
    "transaction": "Transaction UID, made by the user agent",
    "uid": "SOP Instance UID",
    "bulkdata": "Path of the bulk value, as metadata name it",
    "build": "Build of the viewer, as its page names it",
    "path": "Path of a file or of a page of the viewer",
    "base": "Whatever a user agent put in front of a relative URI",
}
_UIDS: Final = frozenset({"study", "series", "instance", "workitem", "target", "transaction", "uid"})
_EXAMPLES: Final = {
    # Of the samples that `hilum serve --demo` stores.
    "study": "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322",
    "series": "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322",
    "instance": "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322",
    "frames": "1",
    "uid": "1.2.840.10008.1.5.1",
    "target": "1.2.840.10008.5.1.4.34.5",
    "aetitle": "VIEWER",
}
_NAME: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
_WITHOUT_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Described:
    """A service as the document describes it."""

    name: str
    resources: tuple[Resource, ...]
    prefix: str = ""
    """What goes before the paths of its resources."""
    server_url: str = ""
    """URL that `prefix` is relative to; '': that of the document."""


def described(services: Iterable[Service], settings: Settings, *, public_url: str) -> tuple[Described, ...]:
    """Return the services that this server has; paths of the RESTful ones are relative to their common root."""
    root = settings.http.dicomweb_root
    found = []
    for service in services:
        served = tuple(resource for resource in service.resources if resource.is_served(settings))
        own_root = service.root(settings.http)
        is_restful = own_root == root
        found.append(Described(service.name, served, "" if is_restful else own_root, "" if is_restful else public_url))
    return tuple(service for service in found if service.resources)


def openapi_document(services: Iterable[Described], *, server_url: str, version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        services: what is described.
        server_url: base URL of the RESTful services.
        version: of this software.
    """
    paths: dict[str, dict[str, Any]] = {"/": {"options": _CAPABILITIES}}
    tags = []
    for service in services:
        tags.append({"name": service.name})
        for resource in service.resources:
            path = service.prefix + _NAME.sub(r"{\1}", resource.path)
            item = paths.setdefault(path, {"servers": [{"url": service.server_url}]} if service.server_url else {})
            item[resource.method.lower()] = _operation(resource, service)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hilum DICOMweb",
            "version": version,
            "summary": "A DICOMweb origin server (DICOM PS3.18).",
        },
        "servers": [{"url": server_url}],
        "tags": [{"name": _CAPABILITIES_TAG}, *tags],
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }


_SCHEMAS: Final[dict[str, Any]] = {
    "Element": {
        "type": "object",
        "required": ["vr"],
        "properties": {
            "vr": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "Value": {"type": "array"},
            "BulkDataURI": {"type": "string", "format": "uri-reference"},
            "InlineBinary": {"type": "string", "contentEncoding": "base64"},
        },
        "additionalProperties": False,
    },
    "DataSet": {
        "type": "object",
        "description": "A data set in the DICOM JSON Model (PS3.18 F.2).",
        "patternProperties": {"^[0-9A-F]{8}$": {"$ref": "#/components/schemas/Element"}},
        "additionalProperties": False,
    },
    "DataSets": {"type": "array", "items": {"$ref": "#/components/schemas/DataSet"}},
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}},
        "additionalProperties": False,
    },
}

_TEXT: Final[dict[str, Any]] = {"schema": {"type": "string"}}
_ERROR: Final[dict[str, Any]] = {
    "text/plain": _TEXT,
    "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
}
_EVERYWHERE: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR)
"""What any request may be answered: no token, a host that is not this server's, and what nobody foresaw."""

_CAPABILITIES_TAG: Final = "Capabilities"
_CAPABILITIES: Final[dict[str, Any]] = {
    "operationId": "options_base",
    "summary": "Retrieve Capabilities",
    "description": "PS3.18 8.9. Every resource answers OPTIONS so, with what is below it.",
    "tags": [_CAPABILITIES_TAG],
    "parameters": [],
    "responses": {
        "200": {
            "description": "OK",
            "content": {"application/vnd.sun.wadl+xml": _TEXT, "application/json": {"schema": {"type": "object"}}},
        },
        "304": {"description": "Not Modified"},
        **{
            str(int(status)): {"description": status.phrase, "content": _ERROR}
            for status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_ACCEPTABLE, *_EVERYWHERE)
        },
    },
}


def _operation(resource: Resource, service: Described) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(resource, service),
        "summary": resource.transaction,
        "description": resource.source,
        "tags": [service.name],
        "parameters": [_path_parameter(name) for name in _NAME.findall(resource.path)]
        + [_query_parameter(parameter) for parameter in (*resource.parameters, *_keys(resource))],
        "responses": {
            str(int(status)): _response(resource, int(status))
            for status in dict.fromkeys((*resource.statuses, *_EVERYWHERE))
        },
    }
    if resource.request_types:
        operation["requestBody"] = {
            "required": True,
            "content": {
                _bare(media_type): {"schema": _payload_schema(media_type)} for media_type in resource.request_types
            },
        }
    return operation


def _operation_id(resource: Resource, service: Described) -> str:
    path = service.prefix + _NAME.sub(r"\1", resource.path)
    return re.sub(r"\W+", "_", resource.method + path).lower()


def _path_parameter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if name in _UIDS:
        schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$", "minLength": 1, "maxLength": 64}
    parameter = {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PATH_PARAMETERS[name],
        "schema": schema,
    }
    return {**parameter, "example": _EXAMPLES[name]} if name in _EXAMPLES else parameter


def _keys(resource: Resource) -> list[Parameter]:
    named = {parameter.name for parameter in resource.parameters}
    return [Parameter(key, f"Match: {key}.") for key in resource.keys if key not in named]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.schema}
    if parameter.schema == "integer":
        schema["minimum"] = 0
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": schema,
    }


def _response(resource: Resource, status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    if status in _WITHOUT_BODY or status in resource.empty_statuses:
        return {"description": phrase}
    content: dict[str, Any] = {}
    if status < 400 or resource.method == "POST":
        # A store that stored nothing tells why in the same forms as one that did.
        content = {_bare(media_type): {"schema": _schema(resource, media_type)} for media_type in resource.media_types}
    if status >= 400:
        content = {**_ERROR, **content}
        return {"description": phrase, "content": content}
    if not content:
        return {"description": phrase}
    return {"description": f"{phrase}. Media types: {', '.join(resource.media_types)}", "content": content}


def _schema(resource: Resource, media_type: str) -> dict[str, Any]:
    if media_type != "application/dicom+json":
        return {"type": "string", "format": "binary"}
    name = resource.json_schema or ("DataSet" if resource.method == "POST" else "DataSets")
    return {"$ref": f"#/components/schemas/{name}"}


def _payload_schema(media_type: str) -> dict[str, Any]:
    if media_type != "application/dicom+json":
        return {"type": "string", "format": "binary"}
    names = ("DataSets", "DataSet")
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}


def _bare(media_type: str) -> str:
    """Return the media type without parameters: keys of `content` are plain types."""
    return media_type.partition(";")[0]
