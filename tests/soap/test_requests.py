from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hilum.soap.envelope import parse_envelope
from hilum.soap.faults import SoapFault
from hilum.soap.requests import document_set_requests, metadata_requests, rendered_requests
from soap_messages import (
    DOCUMENTS,
    METADATA,
    RENDERED,
    documents_body,
    envelope,
    metadata_body,
    rendered_body,
)

PLACE = ("1.2", "1.2.3", "1.2.3.4")


def roots(body: str, action: str) -> list[etree._Element]:
    return list(parse_envelope(envelope(body, action), refuses_security=False).roots)


@pytest.mark.requirement("WS-09", "WS-11")
def test_documents_keep_their_order_and_what_is_echoed() -> None:
    places = [("1.2", "1.2.3", f"1.2.3.{number}") for number in (3, 1, 3)]

    (request,) = document_set_requests(roots(documents_body(places, home="urn:oid:1.9"), DOCUMENTS), most=3)

    assert [one.document_unique_id for one in request.documents] == ["1.2.3.3", "1.2.3.1", "1.2.3.3"]
    assert {one.home_community_id for one in request.documents} == {"urn:oid:1.9"}
    assert {one.repository_unique_id for one in request.documents} == {"1.3.6.1.4.1000"}


@pytest.mark.parametrize("most", [1, 2])
def test_more_documents_than_are_allowed_are_a_fault(most: int) -> None:
    bodies = [documents_body([PLACE] * 3), documents_body([PLACE]) * 3]

    for body in bodies:
        with pytest.raises(SoapFault):
            document_set_requests(roots(body, DOCUMENTS), most=most)


def test_rendered_requests_take_parameters_in_any_order_and_pass_over_others() -> None:
    inside = "<wado:FrameNumber>2</wado:FrameNumber><wado:Unknown>x</wado:Unknown><wado:Rows> 5 </wado:Rows>"

    (request,) = rendered_requests(roots(rendered_body(PLACE, "image/png", inside=inside), RENDERED), most=1)

    assert request.parameters == {"FrameNumber": "2", "Rows": "5"}
    assert request.content_types == ("image/png",)


@pytest.mark.requirement("WS-17")
@pytest.mark.parametrize("wrapper", ["", "XPathRequestList", "XPathList"])
def test_filters_may_stand_in_a_list(wrapper: str) -> None:
    body = metadata_body(PLACE, "/a", "/b")
    if wrapper:
        body = body.replace("<wado:XPath>", f"<wado:{wrapper}><wado:XPath>", 1)
        body = body.replace("</wado:DocumentRequest>", f"</wado:{wrapper}></wado:DocumentRequest>")

    (request,) = metadata_requests(roots(body, METADATA), most=1)

    assert request.filters == ("/a", "/b")


@pytest.mark.parametrize("twice", ["Rows", "Region", "ContentTypeList"])
def test_what_may_stand_once_stands_once(twice: str) -> None:
    body = rendered_body(PLACE, "image/png", inside=f"<wado:{twice}/><wado:{twice}/>")

    with pytest.raises(SoapFault):
        rendered_requests(roots(body, RENDERED), most=1)


@settings(max_examples=100)
@given(st.text(st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="<&>\ufffe\uffff"), max_size=80))
def test_a_place_is_made_of_uids_or_is_a_fault(text: str) -> None:
    body = documents_body([("1.2", "1.3", text)])

    try:
        (request,) = document_set_requests(roots(body, DOCUMENTS), most=1)
    except SoapFault:
        return
    assert set(request.documents[0].document_unique_id) <= set("0123456789.")
