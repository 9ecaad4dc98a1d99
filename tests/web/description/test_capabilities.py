from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from lxml import etree

from hilum.web.description.capabilities import Element, describe, write_json, write_wadl
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
