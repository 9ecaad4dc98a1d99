"""Retrieve Capabilities over HTTP (PS3.18 8.9)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from lxml import etree

WADL = "application/vnd.sun.wadl+xml"
NAMES = {"w": "http://wadl.dev.java.net/2009/02"}


@pytest.mark.requirement("CAP-01", "CAP-03", "CAP-05", "CAP-08")
@pytest.mark.parametrize("path", ["", "/"])
def test_the_base_uri_describes_the_services(client: httpx.Client, path: str) -> None:
    base = str(client.base_url).rstrip("/")

    response = client.request("OPTIONS", base + path, headers={"Accept": "*/*"})

    assert (response.status_code, response.headers["content-type"]) == (200, WADL)
    assert response.headers["content-length"]
    root: Any = etree.fromstring(response.content)
    assert root.xpath("w:resources/@base", namespaces=NAMES) == [base]
    paths = root.xpath("w:resources/w:resource/w:resource/@path", namespaces=NAMES)
    assert {"studies", "series", "instances", "workitems", "commitment-requests"} <= set(paths)


@pytest.mark.requirement("CAP-07")
def test_a_resource_describes_itself_and_what_is_below(client: httpx.Client) -> None:
    response = client.request("OPTIONS", "/studies", headers={"Accept": WADL})

    root: Any = etree.fromstring(response.content)
    (studies,) = root.xpath("w:resources/w:resource", namespaces=NAMES)
    search = "w:method[@name='GET']/w:request/w:param/@name"
    stored = "w:method[@name='POST']/w:request/w:representation/@mediaType"
    assert studies.get("path") == "studies"
    assert {"Accept", "includefield", "limit", "offset"} <= set(studies.xpath(search, namespaces=NAMES))
    assert "application/dicom" in studies.xpath(stored, namespaces=NAMES)
    assert studies.xpath("w:resource/@path", namespaces=NAMES) == ["{study}"]
    assert "GET" in response.headers["allow"]


@pytest.mark.requirement("CAP-03")
def test_json_is_the_other_form(client: httpx.Client) -> None:
    response = client.request("OPTIONS", "/studies/1.2.3", headers={"Accept": "application/json"})

    assert response.headers["content-type"] == "application/json"
    assert response.json()["application"]["resources"][0]["resource"][0]["path"] == "studies/{study}"


@pytest.mark.requirement("CAP-04")
def test_a_known_description_is_304_and_another_form_406(client: httpx.Client) -> None:
    first = client.request("OPTIONS", "/studies", headers={"Accept": WADL})

    known = client.request("OPTIONS", "/studies", headers={"Accept": WADL, "If-None-Match": first.headers["etag"]})
    other = client.request("OPTIONS", "/studies", headers={"Accept": "image/png"})

    assert (known.status_code, known.content) == (304, b"")
    assert other.status_code == 406


@pytest.mark.requirement("CAP-02", "CAP-06")
def test_without_accept_it_is_wadl_and_a_preflight_gets_the_answer_of_cors(client: httpx.Client) -> None:
    del client.headers["accept"]
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "GET"}

    plain = client.request("OPTIONS", "/studies")
    asked = client.request("OPTIONS", "/studies", headers=preflight)

    assert (plain.status_code, plain.headers["content-type"]) == (200, WADL)
    assert asked.content == b""
    assert "access-control-allow-methods" in asked.headers


def test_another_method_of_the_base_uri_is_405(client: httpx.Client) -> None:
    assert client.request("GET", f"{client.base_url}".rstrip("/")).status_code == 405
