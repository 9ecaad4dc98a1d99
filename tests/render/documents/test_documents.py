from __future__ import annotations

import pytest

from hilum.errors import PayloadTooLarge
from hilum.render.documents import documents
from hilum.render.parameters import RenderingParameters
from hilum.render.representations import Category, category_of, types_for
from report_objects import SERVICE, content, make_document, make_report, rendering_of

PDF = b"%PDF-1.4 odd"
CDA = b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>T&#252;</title></ClinicalDocument>'


@pytest.mark.requirement("MT-30")
@pytest.mark.parametrize(
    ("dataset", "types"),
    [
        (make_report(), ("text/html", "text/plain", "application/pdf", "text/xml")),
        (make_document(PDF, "application/pdf"), ("text/html", "text/plain", "application/pdf")),
        (make_document(CDA, "text/XML; charset=x"), ("text/html", "text/plain", "text/xml")),
        (make_document(b"text", "text/plain"), ("text/html", "text/plain")),
        (make_document(b"solid", "model/stl"), ("model/stl",)),
        (make_document(b"x", "text/html"), ()),
    ],
)
def test_each_kind_of_document_has_its_types(dataset: object, types: tuple[str, ...]) -> None:
    source = rendering_of(dataset).source  # type: ignore[arg-type] # a data set

    assert category_of(source, 0) is Category.TEXT
    assert types_for(source, Category.TEXT) == types


@pytest.mark.requirement("REN-18")
@pytest.mark.parametrize("data", [PDF, PDF + b"!"])
def test_an_encapsulated_pdf_comes_byte_for_byte(data: bytes) -> None:
    assert documents.render_pdf(rendering_of(make_document(data, "application/pdf"))) == data


def test_a_pdf_as_html_is_a_page_that_shows_it() -> None:
    html = documents.render_html(rendering_of(make_document(PDF, "application/pdf"))).decode()

    assert f'data="{SERVICE}/studies/1/series/2/instances/3/rendered?accept=application/pdf"' in html
    assert "<h1>A &lt;document&gt;</h1>" in html


def test_a_cda_document_comes_as_it_is_or_in_another_charset() -> None:
    dataset = make_document(CDA, "text/xml")

    assert documents.render_xml(rendering_of(dataset)) == CDA
    latin = documents.render_xml(rendering_of(dataset, RenderingParameters(charset="iso-8859-1")))
    assert b"T\xfc" in latin


def test_a_report_as_xml_is_the_native_dicom_model() -> None:
    xml = documents.render_xml(rendering_of(make_report(content("TEXT", "A", TextValue="Jörg & co"))))

    assert b"NativeDicomModel" in xml
    assert "Jörg &amp; co".encode() in xml


def test_encapsulated_text_is_escaped_in_html_and_plain_in_text() -> None:
    dataset = make_document("a <b> ü".encode(), "text/plain")

    assert "a &lt;b&gt; ü" in documents.render_html(rendering_of(dataset)).decode()
    assert documents.render_text(rendering_of(dataset)).decode() == "a <b> ü"


def test_an_empty_document_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        documents.render_pdf(rendering_of(make_document(b"", "application/pdf")))
