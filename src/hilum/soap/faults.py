"""Faults: messages that cannot be processed at all. What fails for one document alone is a row of the response."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from lxml import etree

from hilum.soap.elements import element
from hilum.soap.names import ADDRESSING, SOAP, SOAP_1_1, XML


@dataclass(frozen=True, slots=True)
class _Form:
    """How a fault looks on the wire."""

    code: str
    subcode: str
    status: HTTPStatus


class FaultKind(Enum):
    """The faults of this binding."""

    SENDER = _Form("Sender", "", HTTPStatus.BAD_REQUEST)
    RECEIVER = _Form("Receiver", "", HTTPStatus.INTERNAL_SERVER_ERROR)
    ACTION_MISSING = _Form("Sender", "MessageAddressingHeaderRequired", HTTPStatus.BAD_REQUEST)
    ACTION_UNSUPPORTED = _Form("Sender", "ActionNotSupported", HTTPStatus.BAD_REQUEST)
    ADDRESSING_INVALID = _Form("Sender", "InvalidAddressingHeader", HTTPStatus.BAD_REQUEST)
    ONLY_ANONYMOUS = _Form("Sender", "OnlyAnonymousAddressSupported", HTTPStatus.BAD_REQUEST)
    VERSION_MISMATCH = _Form("VersionMismatch", "", HTTPStatus.INTERNAL_SERVER_ERROR)
    MUST_UNDERSTAND = _Form("MustUnderstand", "", HTTPStatus.INTERNAL_SERVER_ERROR)


class SoapFault(Exception):
    """The message cannot be processed; the text is one sentence to the user agent."""

    def __init__(self, kind: FaultKind, reason: str, *, detail: str = "", relates_to: str = "") -> None:
        """Describe the fault.

        Args:
            kind: of the fault.
            reason: one sentence.
            detail: the action that is not supported, or the name in Clark notation of what was not understood.
            relates_to: MessageID of the request, as far as it is known.
        """
        super().__init__(reason)
        self.kind = kind
        self.detail = detail
        self.relates_to = relates_to


def fault_envelope(fault: SoapFault) -> bytes:
    """Return the envelope of a fault.

    Source: SOAP 1.2 part 1, 5.4; WS-Addressing 1.0 SOAP Binding, 6.
    """
    form = fault.kind.value
    # The values are names with a prefix: both must be declared where they stand.
    code = etree.Element(f"{{{SOAP}}}Code", None, {"s": SOAP, "a": ADDRESSING})
    code.append(element(SOAP, "Value", f"s:{form.code}"))
    if form.subcode:
        code.append(element(SOAP, "Subcode", element(SOAP, "Value", f"a:{form.subcode}")))
    text = element(SOAP, "Text", str(fault), attributes={f"{{{XML}}}lang": "en"})
    body = element(SOAP, "Fault", code, element(SOAP, "Reason", text))
    if fault.kind is FaultKind.ACTION_UNSUPPORTED and fault.detail:
        problem = element(ADDRESSING, "ProblemAction", element(ADDRESSING, "Action", fault.detail))
        body.append(element(SOAP, "Detail", problem))
    action = f"{ADDRESSING}/fault" if form.subcode else f"{ADDRESSING}/soap/fault"
    header = element(SOAP, "Header", element(ADDRESSING, "Action", action))
    if fault.relates_to:
        header.append(element(ADDRESSING, "RelatesTo", fault.relates_to))
    header.extend(_explanations(fault))
    envelope = element(SOAP, "Envelope", header, element(SOAP, "Body", body))
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _explanations(fault: SoapFault) -> list[etree._Element]:
    """Return the header blocks that say what would have been understood, or what was not."""
    if fault.kind is FaultKind.VERSION_MISMATCH:
        supported = element(SOAP, "SupportedEnvelope", attributes={"qname": "s:Envelope"})
        return [element(SOAP, "Upgrade", supported)]
    if fault.kind is FaultKind.MUST_UNDERSTAND and fault.detail:
        name = etree.QName(fault.detail)
        namespaces = {"n": name.namespace or SOAP}
        block = etree.Element(f"{{{SOAP}}}NotUnderstood", {"qname": f"n:{name.localname}"}, namespaces)
        return [block]
    return []


def version_fault() -> SoapFault:
    """Return the fault for an envelope of another version of SOAP."""
    return SoapFault(FaultKind.VERSION_MISMATCH, f"The envelope must be one of SOAP 1.2, not of {SOAP_1_1}.")
