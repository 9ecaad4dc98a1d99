"""Making elements: one line for one element, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lxml import etree

from hilum.soap.names import ADDRESSING, IHE, RS, SOAP, WADO, WADO_OLD, XOP

_PREFIXES: Final = {
    SOAP: "s",
    ADDRESSING: "a",
    IHE: "ihe",
    RS: "rs",
    WADO: "wado",
    WADO_OLD: "wado",
    XOP: "xop",
}
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(
    namespace: str, name: str, *content: str | etree._Element, attributes: Mapping[str, str] | None = None
) -> etree._Element:
    """Return an element.

    Args:
        namespace: of its name.
        name: its local name.
        content: text, which loses what XML cannot hold, or elements.
        attributes: by name, in Clark notation where it has a namespace.
    """
    values = {key: xml_text(value) for key, value in (attributes or {}).items()}
    made = etree.Element(f"{{{namespace}}}{name}", values, {_PREFIXES.get(namespace, "n"): namespace})
    for one in content:
        if isinstance(one, str):
            made.text = (made.text or "") + xml_text(one)
        else:
            made.append(one)
    return made


def xml_text(text: str) -> str:
    """Return `text` without the characters that XML cannot hold."""
    return _NO_XML.sub("", text)
