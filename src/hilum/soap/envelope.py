"""Envelopes: what a request's header and body hold, and the frame of a response.

Names are compared by namespace and local name, never by prefix; white space around every text is no part of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from hilum.soap.elements import element
from hilum.soap.faults import FaultKind, SoapFault, version_fault
from hilum.soap.names import (
    ADDRESSING,
    ANONYMOUS,
    METHOD_NAMES,
    SECURITY,
    SOAP,
    SOAP_1_1,
    Method,
    response_action,
)

_MOST_DEPTH: Final = 64
_TRUE: Final = frozenset({"1", "true"})
_UNDERSTOOD: Final = frozenset({"Action", "MessageID", "To", "ReplyTo", "FaultTo", "From", "RelatesTo"})


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that was understood as far as its envelope goes."""

    method: Method
    action: str
    message_id: str
    roots: Sequence[etree._Element]
    """Elements of the body: one request as a rule, and several where a user agent puts several studies into one."""
    has_security: bool
    """Whether it carries a WS-Security header."""


def parsed(xml: bytes) -> etree._Element:
    """Return the root element of a document that comes from outside.

    Raises:
        SoapFault: it is not well-formed, brings a document type, or is nested too deeply.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root: etree._Element = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SoapFault(FaultKind.SENDER, "The message is no well-formed XML.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise SoapFault(FaultKind.SENDER, "The message must not have a document type.")
    if _is_deeper(root, _MOST_DEPTH):
        raise SoapFault(FaultKind.SENDER, f"The message is nested deeper than {_MOST_DEPTH} levels.")
    return root


def _is_deeper(root: etree._Element, limit: int) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > limit:
            return True
    return False


def parse_envelope(xml: bytes, *, refuses_security: bool) -> Incoming:
    """Return what a message asks for.

    Args:
        xml: the message.
        refuses_security: whether a WS-Security header that must be understood is a fault.

    Raises:
        SoapFault: the message cannot be processed.

    Source: SOAP 1.2 part 1; WS-Addressing 1.0; IHE RAD-69 message semantics.
    """
    envelope = parsed(xml)
    name = etree.QName(envelope)
    if name.localname == "Envelope" and name.namespace == SOAP_1_1:
        raise version_fault()
    if envelope.tag != f"{{{SOAP}}}Envelope":
        raise SoapFault(FaultKind.SENDER, "The message is no SOAP envelope.")
    header, body = envelope.find(f"{{{SOAP}}}Header"), envelope.find(f"{{{SOAP}}}Body")
    if body is None:
        raise SoapFault(FaultKind.SENDER, "The envelope has no body.")
    blocks = [] if header is None else [block for block in header if isinstance(block.tag, str)]
    message_id = _text_of(blocks, "MessageID")
    try:
        has_security = _check_blocks(blocks, refuses_security=refuses_security)
        _check_reply(blocks)
        action = _action_of(blocks)
        roots = [one for one in body if isinstance(one.tag, str)]
        return Incoming(_method_of(roots, action), action, message_id, roots, has_security)
    except SoapFault as fault:
        fault.relates_to = message_id
        raise


def _check_blocks(blocks: Sequence[etree._Element], *, refuses_security: bool) -> bool:
    """Check that every header block that must be understood is; return whether there is one of WS-Security."""
    has_security = False
    for block in blocks:
        name = etree.QName(block)
        is_security = name.namespace == SECURITY and name.localname == "Security"
        has_security = has_security or is_security
        if block.get(f"{{{SOAP}}}mustUnderstand", "").strip().lower() not in _TRUE:
            continue
        is_understood = name.namespace == ADDRESSING and name.localname in _UNDERSTOOD
        if not is_understood and (not is_security or refuses_security):
            raise SoapFault(
                FaultKind.MUST_UNDERSTAND, "A header that must be understood is not.", detail=str(block.tag)
            )
    return has_security


def _action_of(blocks: Sequence[etree._Element]) -> str:
    action = _text_of(blocks, "Action")
    if not action:
        raise SoapFault(FaultKind.ACTION_MISSING, "The message has no action.")
    return action


def _check_reply(blocks: Sequence[etree._Element]) -> None:
    replies = [block for block in blocks if block.tag == f"{{{ADDRESSING}}}ReplyTo"]
    if len(replies) > 1:
        raise SoapFault(FaultKind.ADDRESSING_INVALID, "The message has more than one address for its answer.")
    for reply in replies:
        address = (reply.findtext(f"{{{ADDRESSING}}}Address") or "").strip()
        if address != ANONYMOUS:
            raise SoapFault(FaultKind.ONLY_ANONYMOUS, "Answers go back on the connection of the request alone.")


def _text_of(blocks: Sequence[etree._Element], name: str) -> str:
    found = [block for block in blocks if block.tag == f"{{{ADDRESSING}}}{name}"]
    if len(found) > 1:
        raise SoapFault(FaultKind.ADDRESSING_INVALID, f"The message has more than one {name}.")
    return (found[0].text or "").strip() if found else ""


def _method_of(roots: Sequence[etree._Element], action: str) -> Method:
    """Return the method that the body's elements name; the action must fit it."""
    methods = {_method_of_root(root) for root in roots}
    if len(methods) != 1:
        raise SoapFault(FaultKind.SENDER, "The body must hold requests of one method.")
    method = methods.pop()
    if action not in METHOD_NAMES[method].actions:
        raise SoapFault(FaultKind.ACTION_UNSUPPORTED, "The action is not supported for this body.", detail=action)
    return method


def _method_of_root(root: etree._Element) -> Method:
    name = etree.QName(root)
    for method, names in METHOD_NAMES.items():
        if name.localname == method.value and name.namespace in names.root_namespaces:
            return method
    raise SoapFault(FaultKind.SENDER, "The body holds something else than a request of this service.")


def response_envelope(incoming: Incoming, body: etree._Element) -> bytes:
    """Return the envelope of a response.

    Source: WS-Addressing 1.0; IHE RAD-69 expected actions.
    """
    must = {f"{{{SOAP}}}mustUnderstand": "1"}
    header = element(
        SOAP,
        "Header",
        element(ADDRESSING, "Action", response_action(incoming.method, incoming.action), attributes=must),
        element(ADDRESSING, "MessageID", f"urn:uuid:{uuid.uuid4()}"),
    )
    if incoming.message_id:
        header.append(element(ADDRESSING, "RelatesTo", incoming.message_id))
    header.append(element(ADDRESSING, "To", ANONYMOUS))
    envelope = element(SOAP, "Envelope", header, element(SOAP, "Body", body))
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
