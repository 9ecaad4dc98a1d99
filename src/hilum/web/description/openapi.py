"""The OpenAPI 3.1 document, read from the table of resources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from hilum.web.resources.resource import Parameter, Resource

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
    "bulkdata": "Path of the bulk value, as metadata name it",
    "base": "Whatever a user agent put in front of a relative URI",
}
_NAME: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
_WITHOUT_BODY: Final = frozenset({204, 304})


def openapi_document(resources: Iterable[Resource], *, server_url: str, version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        resources: the table.
        server_url: base URL of the services that the table's paths are relative to.
        version: of this software.
    """
    paths: dict[str, dict[str, Any]] = {}
    for resource in resources:
        path = _NAME.sub(r"{\1}", resource.path)
        paths.setdefault(path, {})[resource.method.lower()] = _operation(resource)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hilum DICOMweb",
            "version": version,
            "summary": "Store, search and retrieve DICOM studies (PS3.18).",
        },
        "servers": [{"url": server_url}],
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
}


def _operation(resource: Resource) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", resource.method + _NAME.sub(r"\1", resource.path)).lower(),
        "summary": resource.transaction,
        "description": resource.source,
        "tags": ["Studies Service"],
        "parameters": [_path_parameter(name) for name in _NAME.findall(resource.path)]
        + [_query_parameter(parameter) for parameter in resource.parameters],
        "responses": {str(int(status)): _response(resource, int(status)) for status in resource.statuses},
    }
    if resource.request_types:
        operation["requestBody"] = {
            "required": True,
            "content": {
                _bare(media_type): {"schema": {"type": "string", "format": "binary"}}
                for media_type in resource.request_types
            },
        }
    return operation


def _path_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PATH_PARAMETERS[name],
        "schema": {"type": "string"},
    }


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": {"type": parameter.schema},
    }


def _response(resource: Resource, status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status in _WITHOUT_BODY:
        return response
    if status >= 400 and not (resource.method == "POST" and status == 409):
        response["content"] = {"text/plain": {"schema": {"type": "string"}}}
        return response
    if not resource.media_types:
        return response
    response["content"] = {
        _bare(media_type): {"schema": _schema(resource, media_type)} for media_type in resource.media_types
    }
    return response


def _schema(resource: Resource, media_type: str) -> dict[str, Any]:
    if media_type != "application/dicom+json":
        return {"type": "string", "format": "binary"}
    name = "DataSet" if resource.method == "POST" else "DataSets"
    return {"$ref": f"#/components/schemas/{name}"}


def _bare(media_type: str) -> str:
    """Return the media type without parameters: keys of `content` are plain types."""
    return media_type.partition(";")[0]
