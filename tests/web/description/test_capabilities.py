from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from lxml import etree

from hilum.config import Settings
from hilum.dicom.npi.categories import CATEGORIES
from hilum.web.description.capabilities import Element, describe, write_json, write_wadl
from hilum.web.resources.npi import NPI_RESOURCES
from hilum.web.resources.services import SERVICES
from hilum.web.resources.studies import STUDIES_RESOURCES

BASE = "https://host/dicomweb"
WADL = {"w": "http://wadl.dev.java.net/2009/02"}


def resources_of(element: Element, above: str = "") -> Iterator[tuple[str, Element]]:
    for child in element.children:
        path = above
        if child.name == "resource":
            path = f"{above}/{child.attributes['path']}".replace("//", "/")
            yield path, child
        yield from resources_of(child, path)


@pytest.mark.requirement("CAP-08", "CAP-09")
def test_the_base_describes_every_method_of_the_table_and_no_other() -> None:
    described = {
        (path.replace("//", "/"), method.attributes["name"])
        for path, resource in resources_of(describe(STUDIES_RESOURCES, "", base_url=BASE))
        for method in resource.children
        if method.name == "method"
    }

    assert described == {(row.path.replace(":path", ""), row.method) for row in STUDIES_RESOURCES}


def test_ids_of_methods_are_unique() -> None:
    root: Any = etree.fromstring(write_wadl(describe(STUDIES_RESOURCES, "", base_url=BASE)))

    ids = root.xpath("//w:method/@id", namespaces=WADL)

    assert len(ids) == len(set(ids)) == len(STUDIES_RESOURCES)


@pytest.mark.requirement("CAP-10")
def test_json_mirrors_the_wadl() -> None:
    description = describe(STUDIES_RESOURCES, "/studies/{study}", base_url=BASE)

    (resources,) = orjson.loads(write_json(description))["application"]["resources"]

    assert resources["base"] == BASE
    assert resources["resource"][0]["path"] == "studies/{study}"
    assert {child["path"] for child in resources["resource"][0]["resource"]} >= {"metadata", "series", "instances"}


def params_of(path: str, method: str, style: str) -> dict[str, list[str]]:
    """Return the parameters of a method, each with its options."""
    described = describe([row for service in SERVICES for row in service.resources], "", base_url=BASE)
    root: Any = etree.fromstring(write_wadl(described))
    names = [f"{method.lower()}_{'_'.join(re.findall(r'[A-Za-z0-9]+', path))}"]
    (element,) = root.xpath("//w:method[@id=$id]", namespaces=WADL, id=names[0])
    return {
        param.get("name"): param.xpath("w:option/@value", namespaces=WADL)
        for param in element.xpath(f"w:request/w:param[@style='{style}']", namespaces=WADL)
    }


@pytest.mark.requirement("CAP-12")
def test_searches_list_every_matching_key_and_the_parameters_of_searches() -> None:
    found = params_of("/instances", "GET", "query")

    assert {"includefield", "limit", "offset", "fuzzymatching", "emptyvaluematching"} < set(found)
    assert {"PatientName", "StudyDate", "Modality", "SeriesNumber", "SOPClassUID", "InstanceNumber"} < set(found)
    assert "Modality" not in params_of("/studies", "GET", "query")
    assert "ContentLabel" in params_of("/color-palettes", "GET", "query")


@pytest.mark.requirement("CAP-11")
def test_retrievals_list_their_transfer_syntaxes() -> None:
    found = params_of("/studies/{study}", "GET", "header")["Accept"]

    assert 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90' in found


@pytest.mark.requirement("CAP-13")
def test_stores_list_what_they_take() -> None:
    described = write_wadl(describe(NPI_RESOURCES, "/hanging-protocols", base_url=BASE)).decode()

    assert "SOP Class Hanging Protocol Storage 1.2.840.10008.5.1.4.38.1" in described
    assert 'mediaType="application/dicom"' in described


@pytest.mark.requirement("CAP-14", "CHR-10")
def test_character_sets_and_annotations_are_listed() -> None:
    assert params_of("/studies/{study}/metadata", "GET", "header")["Accept-Charset"] == ["utf-8"]
    assert params_of("/studies/{study}/rendered", "GET", "query")["annotation"] == ["patient", "technique"]


LEVELS = ("/{study}", "/{study}/series/{series}", "/{study}/series/{series}/instances/{instance}")
TABLE_H_1 = {
    ("/studies", "GET POST"),
    ("/studies/{study}", "GET POST"),
    ("/studies/{study}/series", "GET"),
    ("/studies/{study}/series/{series}/instances", "GET"),
    ("/studies/{study}/instances", "GET"),
    ("/series", "GET"),
    ("/instances", "GET"),
    ("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", "GET"),
    ("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered", "GET"),
    ("/studies/{study}/series/{series}/instances/{instance}/bulkdata/{bulkdata}", "GET"),
    ("/workitems", "GET POST"),
    ("/workitems/{workitem}", "GET POST"),
    ("/workitems/{workitem}/state", "PUT"),
    ("/workitems/{workitem}/cancelrequest", "POST"),
    ("/workitems/{target}/subscribers/{aetitle}", "POST DELETE"),
    ("/workitems/{target}/subscribers/{aetitle}/suspend", "POST"),
    ("/commitment-requests/{transaction}", "POST GET"),
    *((f"/studies{level}", "GET") for level in LEVELS),
    *(
        (f"/studies{level}/{what}", "GET")
        for level in LEVELS
        for what in ("metadata", "rendered", "thumbnail", "bulkdata", "pixeldata")
    ),
    *((f"/{name}", "GET POST") for name in CATEGORIES),
    *((f"/{name}/{{uid}}", "GET POST") for name in CATEGORIES),
}


@pytest.mark.requirement("CAP-20")
def test_the_tree_has_what_the_table_of_the_standard_has() -> None:
    restful = [row for service in SERVICES if service.root(Settings().http) == "/dicomweb" for row in service.resources]
    described: dict[str, set[str]] = {}
    for path, resource in resources_of(describe(restful, "", base_url=BASE)):
        methods = {child.attributes["name"] for child in resource.children if child.name == "method"}
        described[path] = methods

    for path, expected in TABLE_H_1:
        assert set(expected.split()) <= described[path], path
