"""The Capabilities Description of a resource and of those below it, read from the table of resources.

Source: PS3.18 8.9 and Annex H.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast

import orjson
from lxml import etree
from pydicom.uid import UID

from hilum.web.resources.resource import Resource

WADL: Final = "application/vnd.sun.wadl+xml"
JSON: Final = "application/json"

_NAMESPACE: Final = "http://wadl.dev.java.net/2009/02"
_CONVERTER: Final = re.compile(r":\w+\}")
_XSD_TYPES: Final = {"string": "xs:string", "integer": "xs:integer", "boolean": "xs:boolean"}
# None is the default namespace, which the types of lxml do not know of.
_PREFIXES: Final = cast("Mapping[str, str]", {None: _NAMESPACE, "xs": "http://www.w3.org/2001/XMLSchema"})


@dataclass(frozen=True, slots=True)
class Element:
    """An element of WADL: what both forms of the description are written from."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()


@dataclass(slots=True)
class _Node:
    """A segment of a path, with the methods of the path that ends here."""

    methods: list[Resource] = field(default_factory=list)
    children: dict[str, _Node] = field(default_factory=dict)


def describe(resources: Iterable[Resource], target: str, *, base_url: str) -> Element:
    """Return the description of the resource at `target` and of all below it.

    Args:
        resources: the table.
        target: path of a row of the table, such as `/studies/{study}`; empty for the base URI.
        base_url: absolute URL that the paths are relative to.

    Source: PS3.18 Annex H.
    """
    node = _tree(resources)
    segments = _segments(target)
    for segment in segments:
        node = node.children[segment]
    described = _resource(node, "/".join(segments) or "/")
    return Element("application", children=(Element("resources", {"base": base_url}, (described,)),))


def write_wadl(description: Element) -> bytes:
    """Return the description as a WADL document in UTF-8."""
    root = _xml(description)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def write_json(description: Element) -> bytes:
    """Return the description as JSON: an element is an object of its attributes and, by name, lists of its children."""
    return orjson.dumps({description.name: _mirror(description)})


def _tree(resources: Iterable[Resource]) -> _Node:
    root = _Node()
    for resource in resources:
        node = root
        for segment in _segments(resource.path):
            node = node.children.setdefault(segment, _Node())
        node.methods.append(resource)
    return root


def _segments(path: str) -> list[str]:
    return [segment for segment in _CONVERTER.sub("}", path).split("/") if segment]


def _resource(node: _Node, path: str) -> Element:
    template = [
        Element("param", {"name": name, "style": "template", "type": "xs:string", "required": "true"})
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    methods = [_method(resource) for resource in node.methods]
    children = [_resource(child, segment) for segment, child in node.children.items()]
    return Element("resource", {"path": path}, (*template, *methods, *children))


def _method(resource: Resource) -> Element:
    # An id is unique in its document, which the names of transactions are not.
    path = "_".join(re.findall(r"\w+", "/".join(_segments(resource.path))))
    attributes = {"name": resource.method, "id": f"{resource.method.lower()}_{path}"}
    named = Element("doc", {"title": resource.transaction})
    classes = tuple(Element("doc", {"title": f"SOP Class {UID(uid).name} {uid}"}) for uid in resource.sop_classes)
    return Element("method", attributes, (named, *classes, _request(resource), *_responses(resource)))


def _request(resource: Resource) -> Element:
    return Element("request", children=(*_parameters(resource), *_representations(resource.request_types)))


def _parameters(resource: Resource) -> Iterator[Element]:
    if resource.media_types:
        options = _options([*resource.media_types, *_object_types(resource)])
        yield Element("param", {"name": "Accept", "style": "header", "default": resource.media_types[0]}, options)
        yield Element("param", {"name": "Accept-Charset", "style": "header"}, _options(("utf-8",)))
    for parameter in resource.parameters:
        xsd_type = _XSD_TYPES.get(parameter.schema, "xs:string")
        attributes = {"name": parameter.name, "style": "query", "type": xsd_type}
        yield Element("param", attributes, _options(parameter.options))
    named = {parameter.name for parameter in resource.parameters}
    for key in resource.keys:
        if key not in named:
            yield Element("param", {"name": key, "style": "query", "type": "xs:string"})


def _options(values: Iterable[str]) -> tuple[Element, ...]:
    return tuple(Element("option", {"value": value}) for value in values)


def _object_types(resource: Resource) -> Iterator[str]:
    """Yield the media types of objects with each transfer syntax in which they can be had."""
    for media_type in resource.media_types:
        if "application/dicom" in media_type and "+" not in media_type:
            yield from (f"{media_type}; transfer-syntax={uid}" for uid in resource.transfer_syntaxes)


def _responses(resource: Resource) -> Iterator[Element]:
    """Yield the statuses with a payload of the resource's media types, then those without."""
    for is_success in (True, False):
        statuses = [status for status in resource.statuses if (status < HTTPStatus.MULTIPLE_CHOICES) is is_success]
        if statuses:
            yield Element(
                "response",
                {"status": " ".join(str(int(status)) for status in statuses)},
                _representations(resource.media_types if is_success else ()),
            )


def _representations(media_types: Sequence[str]) -> tuple[Element, ...]:
    return tuple(Element("representation", {"mediaType": media_type}) for media_type in media_types)


def _xml(element: Element) -> etree._Element:
    written = etree.Element(f"{{{_NAMESPACE}}}{element.name}", element.attributes, nsmap=_PREFIXES)
    written.extend(_xml(child) for child in element.children)
    return written


def _mirror(element: Element) -> dict[str, Any]:
    mirrored: dict[str, Any] = dict(element.attributes)
    for child in element.children:
        mirrored.setdefault(child.name, []).append(_mirror(child))
    return mirrored
