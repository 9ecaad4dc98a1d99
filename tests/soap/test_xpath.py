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
    with Filters(timeout_s=1.0, message_timeout_s=60.0) as one:
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


def test_what_follows_a_wrong_expression_is_no_result_of_the_next_document(filters: Filters) -> None:
    with pytest.raises(FilterInvalid):
        filters.select(
            DOCUMENT.replace(b"C&amp;T", b"of the first"), ["//[", "//Value/text()", "//[", "//Value/text()"]
        )

    found = filters.select(DOCUMENT, ["//Value/text()"])

    assert found == [b"<XPathResult>C&amp;T</XPathResult>"]


def test_all_documents_of_a_message_have_a_time_together() -> None:
    endless = "count(//*[count(//*[count(//*[count(//*[count(//*)>0])>0])>0])>0])"

    with Filters(timeout_s=1.0, message_timeout_s=0.5) as filters:
        with pytest.raises(FilterTooCostly):
            filters.select(DOCUMENT, [endless])
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(FilterTooCostly):
                filters.select(DOCUMENT, ["//Value"])

    assert time.monotonic() - began < 0.5


def test_results_of_a_message_are_bounded_together(filters: Filters) -> None:
    long = DOCUMENT.replace(b"C&amp;T", b"x" * 1_000_000)

    for _ in range(3):
        assert len(filters.select(long, ["//Value"] * 10)) == 10
    with pytest.raises(FilterTooCostly):
        filters.select(long, ["//Value"] * 10)


def test_an_expression_that_never_ends_is_ended(filters: Filters) -> None:
    began = time.monotonic()
    endless = "count(//*[count(//*[count(//*[count(//*[count(//*)>0])>0])>0])>0])"

    with pytest.raises(FilterTooCostly):
        filters.select(DOCUMENT, [endless])

    assert time.monotonic() - began < 15
    assert filters.select(DOCUMENT, ["count(//Value)"]) == [b"<XPathResult>1</XPathResult>"]
