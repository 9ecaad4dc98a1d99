from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hilum.soap.elements import element
from hilum.soap.envelope import parse_envelope, response_envelope
from hilum.soap.faults import FaultKind, SoapFault
from hilum.soap.names import METHOD_NAMES, SOAP, Method
from soap_messages import DOCUMENTS, documents_body, envelope

BODY = documents_body([("1.2", "1.3", "1.4")])


@pytest.mark.requirement("WS-02", "WS-18")
@pytest.mark.parametrize(
    ("method", "action"), [(method, action) for method, names in METHOD_NAMES.items() for action in names.actions]
)
def test_every_spelling_of_every_action_is_taken(method: Method, action: str) -> None:
    namespace = next(iter(sorted(METHOD_NAMES[method].root_namespaces)))
    body = f'<x:{method.value} xmlns:x="{namespace}"/>'

    incoming = parse_envelope(envelope(body, f"\n {action}\t"), refuses_security=False)

    assert (incoming.method, incoming.action) == (method, action)


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_whatever_the_message_id_holds_the_response_is_well_formed(text: str) -> None:
    incoming = parse_envelope(envelope(BODY, DOCUMENTS), refuses_security=False)
    odd = type(incoming)(incoming.method, incoming.action, text, incoming.roots, has_security=False)

    root = etree.fromstring(response_envelope(odd, element(SOAP, "Any", text)))

    assert root.tag == f"{{{SOAP}}}Envelope"


@settings(max_examples=150)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_harm(message: bytes) -> None:
    with pytest.raises(SoapFault):
        parse_envelope(message, refuses_security=False)


@settings(max_examples=100)
@given(st.integers(0, len(envelope(BODY, DOCUMENTS)) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_message_is_a_fault_or_a_request(position: int, damage: bytes) -> None:
    message = bytearray(envelope(BODY, DOCUMENTS))
    message[position : position + len(damage)] = damage

    try:
        parse_envelope(bytes(message), refuses_security=False)
    except SoapFault as fault:
        assert str(fault).endswith(".")  # noqa: PT017 - what is said is looked at only where it is refused


@pytest.mark.requirement("WS-20")
@pytest.mark.parametrize("depth", [65, 300, 100_000])
def test_nesting_is_bounded(depth: int) -> None:
    with pytest.raises(SoapFault) as caught:
        parse_envelope(envelope("<x>" * depth + "</x>" * depth, DOCUMENTS), refuses_security=False)

    assert caught.value.kind is FaultKind.SENDER


@pytest.mark.parametrize("refuses", [True, False])
def test_a_security_header_is_refused_only_where_that_is_set(*, refuses: bool) -> None:
    header = (
        '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" '
        's:mustUnderstand="true"/>'
    )
    message = envelope(BODY, DOCUMENTS, header=header)

    if refuses:
        with pytest.raises(SoapFault) as caught:
            parse_envelope(message, refuses_security=True)
        assert caught.value.kind is FaultKind.MUST_UNDERSTAND
    else:
        assert parse_envelope(message, refuses_security=False).has_security
