from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import servers
from hilum.config import Settings, TrashSettings
from hilum.web.description.openapi import described, openapi_document
from hilum.web.resources.resource import Resource
from hilum.web.resources.services import SERVICES

PARAMETER = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    settings = Settings(trash=TrashSettings(http_delete=True))
    services = described(SERVICES, settings, public_url="https://host")
    return openapi_document(services, server_url="https://host/dicomweb", version="1.2.3")


def path_of(root: str, resource: Resource) -> str:
    """Return the path under which the document has a resource."""
    return ("" if root == "/dicomweb" else root) + re.sub(r":\w+\}", "}", resource.path)


TABLE = {
    (path_of(service.root(Settings().http), resource), resource.method.lower()): resource
    for service in SERVICES
    for resource in service.resources
}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "servers":
                yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def test_the_document_names_its_version_and_server(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert (document["info"]["version"], document["servers"]) == ("1.2.3", [{"url": "https://host/dicomweb"}])
    assert set(document) == {"openapi", "info", "servers", "tags", "paths", "components"}


def test_each_resource_of_the_table_is_one_operation(document: dict[str, Any]) -> None:
    found = {(path, method) for path, method, _ in operations(document)}

    assert found == {*TABLE, ("/", "options")}
    assert len(TABLE) == sum(len(service.resources) for service in SERVICES)


def test_each_path_parameter_is_declared_and_no_parameter_twice(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        in_path = [item for item in operation["parameters"] if item["in"] == "path"]

        assert path.startswith("/")
        assert [item["name"] for item in in_path] == PARAMETER.findall(path)
        assert all(item["required"] and item["description"] for item in in_path)
        assert len({(item["in"], item["name"]) for item in operation["parameters"]}) == len(operation["parameters"])


def test_operation_ids_are_unique_names(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_each_status_of_the_table_is_a_response(document: dict[str, Any]) -> None:
    for (path, method), resource in TABLE.items():
        operation = document["paths"][path][method]
        own = {str(int(status)) for status in resource.statuses}

        assert set(operation["responses"]) == own | {"401", "403", "500"}
        for status, response in operation["responses"].items():
            assert response["description"]
            assert "content" in response or int(status) < 400
            assert all(re.fullmatch(r"[\w.+-]+/[\w.+-]+", name) for name in response.get("content", {}))
        assert ("requestBody" in operation) is bool(resource.request_types)


def test_what_is_elsewhere_names_its_server(document: dict[str, Any]) -> None:
    assert document["paths"]["/wado-ws"]["servers"] == [{"url": "https://host"}]
    assert "servers" not in document["paths"]["/studies"]


@pytest.mark.requirement("CAP-09")
def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_each_reference_leads_to_a_schema(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert {name.removeprefix("#/components/schemas/") for name in references(document)} == set(schemas)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        servers.running(tmp_path_factory.mktemp("server") / "data") as server,
        httpx.Client(base_url=server.origin, trust_env=False) as client,
    ):
        yield client


def test_the_document_is_served_with_the_url_of_this_server(client: httpx.Client) -> None:
    response = client.get("/openapi.json")

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json()["servers"] == [{"url": f"{str(client.base_url).rstrip('/')}/dicomweb"}]
    served = [resource for service in SERVICES for resource in service.resources if resource.is_served(Settings())]
    assert len(list(operations(response.json()))) == len(served) + 1
    assert not any(
        method == "delete" and path.startswith("/studies") for path, method, _ in operations(response.json())
    )


def test_the_page_and_all_that_it_loads_come_from_this_server(client: httpx.Client) -> None:
    page = client.get("/docs")

    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 4
    for name in loaded:
        assert "//" not in name
        answer = client.get(f"/{name}")
        assert (name, answer.status_code) == (name, 200)
        assert len(answer.content) > 50
    assert 'url: "openapi.json"' in client.get("/docs/start.js").text


@pytest.mark.parametrize("path", ["%2e%2e/__init__.py", "..%2f__init__.py", "x", "", "%00"])
def test_nothing_else_is_served_below_the_assets(client: httpx.Client, path: str) -> None:
    assert client.get(f"/docs/assets/{path}").status_code == 404
