"""The rows of text and document types: which an instance has, and what makes each."""

from __future__ import annotations

from enum import Enum
from html import escape
from typing import Final

import orjson
from lxml import etree

from hilum.dicom.xml import json_to_xml
from hilum.errors import PayloadTooLarge
from hilum.render.attributes import Attributes
from hilum.render.documents.cda import cda_body_html, cda_language, cda_text, cda_title, parse_cda
from hilum.render.documents.characters import UTF_8, encoded_page, encoded_text
from hilum.render.documents.html import page, report_html
from hilum.render.documents.pdf import report_pdf
from hilum.render.documents.plain_text import report_text
from hilum.render.documents.report import Report, report_of
from hilum.render.rendering import Rendering
from hilum.render.source import Source

_PDF: Final = "application/pdf"
_XML: Final = frozenset({"text/xml", "application/xml"})
MODELS: Final = ("model/stl", "application/sla", "model/obj", "model/mtl")


class Kind(Enum):
    """What kinds of documents there are here."""

    REPORT = "structured report"
    PDF = "encapsulated PDF"
    CDA = "encapsulated CDA"
    TEXT = "encapsulated text"
    MODEL = "encapsulated three-dimensional model"
    OTHER = "other"


_TYPES: Final = {
    Kind.REPORT: ("text/html", "text/plain", _PDF, "text/xml"),
    Kind.PDF: ("text/html", "text/plain", _PDF),
    Kind.CDA: ("text/html", "text/plain", "text/xml"),
    Kind.TEXT: ("text/html", "text/plain"),
    Kind.OTHER: (),
}

DOCUMENT_TYPES: Final = ("text/html", "text/plain", _PDF, "text/xml", *MODELS)
"""All of them, the default first."""


def kind_of(attributes: Attributes) -> Kind:
    """Return which kind of document a data set is."""
    if "EncapsulatedDocument" not in attributes:
        return Kind.REPORT
    media_type = _media_type(attributes)
    if media_type in _XML:
        return Kind.CDA
    if media_type in MODELS:
        return Kind.MODEL
    return {_PDF: Kind.PDF, "text/plain": Kind.TEXT}.get(media_type, Kind.OTHER)


def document_types(source: Source) -> tuple[str, ...]:
    """Return the media types that a document can be had in, the default first (PS3.18 Table 8.7.4-1)."""
    kind = kind_of(source.attributes)
    return (_media_type(source.attributes),) if kind is Kind.MODEL else _TYPES[kind]


def document_charset(source: Source, media_type: str, charset: str) -> str:
    """Return the character set in which a document of a media type comes, '' where it has none or says it itself."""
    if not media_type.startswith("text/"):
        return ""
    if media_type == "text/xml" and kind_of(source.attributes) is Kind.CDA and not charset:
        return ""
    return charset or UTF_8


def render_html(rendering: Rendering) -> bytes:
    """Return a document as HTML.

    Raises:
        NotAcceptable: it is broken.
        PayloadTooLarge: it is too large to be shown.
    """
    attributes = rendering.source.attributes
    kind = kind_of(attributes)
    if kind is Kind.REPORT:
        text = report_html(_report(rendering), rendering.parameters.service_url)
    elif kind is Kind.CDA:
        root = parse_cda(_octets(attributes))
        text = page(cda_title(root), cda_body_html(root), cda_language(root))
    elif kind is Kind.TEXT:
        title = _title(attributes)
        text = page(title, f'<h1>{escape(title)}</h1>\n<div class="value">{escape(_text(attributes))}</div>')
    else:
        text = _page_around(rendering)
    return encoded_page(text, rendering.parameters.charset)


def _page_around(rendering: Rendering) -> str:
    """Return a page that shows a PDF, and links to it."""
    title = _title(rendering.source.attributes)
    url = escape(f"{rendering.parameters.service_url}{rendering.source.resource_path}/rendered?accept={_PDF}")
    return page(
        title,
        f'<h1>{escape(title)}</h1>\n<object data="{url}" type="{_PDF}">\n'
        f'<p><a href="{url}">{escape(title)}</a></p>\n</object>\n<p><a href="{url}">PDF</a></p>',
    )


def render_text(rendering: Rendering) -> bytes:
    """Return a document as plain text. Raises NotAcceptable where the character set lacks what it needs."""
    attributes = rendering.source.attributes
    kind = kind_of(attributes)
    if kind is Kind.REPORT:
        text = report_text(_report(rendering), rendering.parameters.service_url)
    elif kind is Kind.CDA:
        text = cda_text(parse_cda(_octets(attributes)))
    elif kind is Kind.TEXT:
        text = _text(attributes)
    else:
        url = f"{rendering.parameters.service_url}{rendering.source.resource_path}/rendered?accept={_PDF}"
        text = f"{_title(attributes)}\n\n{url}\n"
    return encoded_text(text, rendering.parameters.charset)


def render_pdf(rendering: Rendering) -> bytes:
    """Return a document as PDF: a report laid out, an encapsulated one as it is, without its padding."""
    if kind_of(rendering.source.attributes) is Kind.REPORT:
        return report_pdf(_report(rendering), rendering.parameters.service_url)
    return _octets(rendering.source.attributes)


def render_xml(rendering: Rendering) -> bytes:
    """Return a CDA document as it is, or in another character set; of a report its Native DICOM Model."""
    attributes, charset = rendering.source.attributes, rendering.parameters.charset
    if kind_of(attributes) is Kind.CDA:
        data = _octets(attributes)
        return _in_charset(data, charset) if charset else data
    stored = "/studies//series//instances//"
    here = f"{rendering.parameters.service_url}{rendering.source.resource_path}/"
    members = orjson.dumps(attributes.members).replace(f'"{stored}'.encode(), f'"{here}'.encode())
    data = json_to_xml(members)
    return data if charset in ("", UTF_8) else _in_charset(data, charset)


def _in_charset(data: bytes, charset: str) -> bytes:
    """Return XML in a character set; character references stand for what it lacks."""
    text = etree.tostring(parse_cda(data), encoding=charset, xml_declaration=True)
    return text if isinstance(text, bytes) else text.encode()


def render_as_is(rendering: Rendering) -> bytes:
    """Return an encapsulated document as it is."""
    return _octets(rendering.source.attributes)


def _report(rendering: Rendering) -> Report:
    return report_of(rendering.source.attributes, rendering.is_stored)


def _octets(attributes: Attributes) -> bytes:
    """Return the encapsulated document without the byte that pads it (PS3.3 C.24.2)."""
    data = attributes.octets("EncapsulatedDocument")
    if not data:
        raise PayloadTooLarge("The document is empty, or larger than this origin server renders.")
    return data[:-1] if attributes.integer("EncapsulatedDocumentLength") == len(data) - 1 else data


def _text(attributes: Attributes) -> str:
    data = _octets(attributes).rstrip(b"\0")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _title(attributes: Attributes) -> str:
    return attributes.text("DocumentTitle") or attributes.text("SeriesDescription") or "Document"


def _media_type(attributes: Attributes) -> str:
    return attributes.text("MIMETypeOfEncapsulatedDocument").partition(";")[0].strip().lower()
