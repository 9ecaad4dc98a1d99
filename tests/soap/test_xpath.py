from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hilum.soap.xpath import FilterInvalid, Filters, FilterTooCostly

DOCUMENT = (
    b'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">'
    b'<DicomAttribute tag="00080060" vr="CS" keyword="Modality"><Value number="1">C&amp;T</Value></DicomAttribute>'
    + b'<DicomAttribute tag="00080061" vr="CS"/>' * 300
    + b"</NativeDicomModel>"
)


@pytest.fixture
def filters() -> Iterator[Filters]:
    with Filters(timeout_s=1.0) as one:
        yield one


def test_each_expression_has_its_result_and_nothing_is_nothing(filters: Filters) -> None:
    expressions = ["//Value", "//@keyword", "count(//Value)", "//*[@keyword='No']", "true()", "'a<b'"]

    assert filters.select(DOCUMENT, expressions) == [
        b'<XPathResult><Value number="1">C&amp;T</Value></XPathResult>',
        b"<XPathResult>Modality</XPathResult>",
        b"<XPathResult>1</XPathResult>",
        None,
        b"<XPathResult>true</XPathResult>",
        b"<XPathResult>a&lt;b</XPathResult>",
    ]


def test_a_prefix_of_the_models_namespace_may_be_used(filters: Filters) -> None:
    (found,) = filters.select(DOCUMENT, ["/n:NativeDicomModel/n:DicomAttribute/n:Value/text()"])

    assert found == b"<XPathResult>C&amp;T</XPathResult>"


@pytest.mark.parametrize("wrong", ["", "//[", "document('/etc/passwd')", "unparsed-entity-uri('x')", "$x", "a:b()"])
def test_what_is_no_expression_is_refused_and_the_next_one_is_taken(filters: Filters, wrong: str) -> None:
    with pytest.raises(FilterInvalid):
        filters.select(DOCUMENT, [wrong])

    assert filters.select(DOCUMENT, ["count(//Value)"]) == [b"<XPathResult>1</XPathResult>"]


def test_an_expression_that_never_ends_is_ended(filters: Filters) -> None:
    began = time.monotonic()
    endless = "count(//*[count(//*[count(//*[count(//*[count(//*)>0])>0])>0])>0])"

    with pytest.raises(FilterTooCostly):
        filters.select(DOCUMENT, [endless])

    assert time.monotonic() - began < 15
    assert filters.select(DOCUMENT, ["count(//Value)"]) == [b"<XPathResult>1</XPathResult>"]
