"""CDA documents as HTML and plain text: the narrative blocks alone, by a list of what is let through.

Source: HL7 CDA R2 4.3.5 (section narrative block); PS3.20 (imaging reports).
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from lxml import etree

from hilum.errors import NotAcceptable

_NAMESPACE: Final = "{urn:hl7-org:v3}"
_HTML_OF: Final = {
    "paragraph": "p",
    "content": "span",
    "list": "ul",
    "item": "li",
    "caption": "b",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tfoot": "tfoot",
    "tr": "tr",
    "th": "th",
    "td": "td",
    "sub": "sub",
    "sup": "sup",
}
_BLOCKS: Final = frozenset({"paragraph", "list", "item", "table", "tr", "caption", "title", "text"})
_DEEPEST: Final = 200
_DEEPEST_HEADING: Final = 6


def parse_cda(data: bytes) -> etree._Element:
    """Return the root of a CDA document; entities and external parts are never fetched or put in.

    Raises:
        NotAcceptable: it is no well-formed XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data.rstrip(b"\0"), parser)
    except etree.XMLSyntaxError as error:
        raise NotAcceptable("The encapsulated document is no well-formed XML.") from error


def cda_title(root: etree._Element) -> str:
    """Return the document's title."""
    return _all_text(root.find(f"{_NAMESPACE}title")) or "Clinical document"


def cda_language(root: etree._Element) -> str:
    """Return the document's language, '' where it names none."""
    found = root.find(f"{_NAMESPACE}languageCode")
    tag = found.get("code", "") if found is not None else ""
    return tag if tag.replace("-", "").isalnum() and tag.isascii() else ""


def cda_body_html(root: etree._Element) -> str:
    """Return the sections of a document as HTML, without the page around them."""
    title = escape(cda_title(root))
    return f"<header>\n<h1>{title}</h1>\n</header>\n<article>\n{''.join(_sections(root, 2))}</article>"


def cda_text(root: etree._Element) -> str:
    """Return the sections of a document as plain text."""
    lines = [cda_title(root), ""]
    for element in root.iter(f"{_NAMESPACE}section"):
        lines.append(_all_text(element.find(f"{_NAMESPACE}title")))
        text = element.find(f"{_NAMESPACE}text")
        if text is not None:
            lines += _text_lines(text)
        lines.append("")
    return "\n".join(lines) + "\n"


def _sections(parent: etree._Element, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    for section in _next_sections(parent):
        heading = min(depth, _DEEPEST_HEADING)
        yield "<section>\n"
        title = _all_text(section.find(f"{_NAMESPACE}title"))
        if title:
            yield f"<h{heading}>{escape(title)}</h{heading}>\n"
        text = section.find(f"{_NAMESPACE}text")
        if text is not None:
            yield f'<div class="value">{"".join(_narrative(text, 0))}</div>\n'
        yield from _sections(section, depth + 1)
        yield "</section>\n"


def _next_sections(parent: etree._Element) -> list[etree._Element]:
    found = parent.findall(
        f"{_NAMESPACE}component/{_NAMESPACE}structuredBody/{_NAMESPACE}component/{_NAMESPACE}section"
    )
    return found or parent.findall(f"{_NAMESPACE}component/{_NAMESPACE}section")


def _narrative(element: etree._Element, depth: int) -> Iterator[str]:
    yield escape(element.text or "")
    for child in element:
        name = _local(child)
        tag = _HTML_OF.get(name)
        if name == "br":
            yield "<br>"
        elif depth < _DEEPEST and name:
            inside = "".join(_narrative(child, depth + 1))
            yield f"<{tag}>{inside}</{tag}>" if tag else inside
        yield escape(child.tail or "")


def _text_lines(element: etree._Element) -> list[str]:
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        name = _local(node)
        if event == "start":
            parts.append(("\n" if name in _BLOCKS or name == "br" else "") + (node.text or "" if name else ""))
        elif node is not element:
            parts.append(("\n" if name in _BLOCKS else "\t" if name in ("td", "th") else "") + (node.tail or ""))
    return [line.strip() for line in "".join(parts).splitlines() if line.strip()]


def _all_text(element: etree._Element | None) -> str:
    return " ".join("".join(str(text) for text in element.itertext()).split()) if element is not None else ""


def _local(element: etree._Element) -> str:
    """Return an element's name without its namespace; '' for comments, entities and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
