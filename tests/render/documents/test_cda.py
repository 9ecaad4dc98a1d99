from __future__ import annotations

import pytest

from hilum.errors import NotAcceptable
from hilum.render.documents.cda import cda_body_html, cda_language, cda_text, cda_title, parse_cda

CDA = b"""<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Radiology &amp; more</title><languageCode code="en-US"/>
<component><structuredBody><component><section><title>Findings</title>
<text>See <content styleCode="Bold">this &lt;b&gt;</content><br/><table><tbody><tr><td>1</td></tr></tbody></table>
<script>alert(1)</script><linkHtml href="javascript:alert(1)">link</linkHtml></text>
<component><section><title>Deeper</title><text><paragraph>more</paragraph></text></section></component>
</section></component></structuredBody></component></ClinicalDocument>"""


def test_sections_and_narrative_become_html_and_nothing_else_does() -> None:
    root = parse_cda(CDA)

    html = cda_body_html(root)

    assert (cda_title(root), cda_language(root)) == ("Radiology & more", "en-US")
    assert "<h1>Radiology &amp; more</h1>" in html
    assert "<h2>Findings</h2>" in html
    assert "<h3>Deeper</h3>" in html
    assert "<span>this &lt;b&gt;</span><br><table>" in html
    assert "<script" not in html
    assert "javascript" not in html
    assert "styleCode" not in html


def test_the_text_of_sections_is_plain() -> None:
    text = cda_text(parse_cda(CDA))

    assert "Findings\nSee this <b>" in text
    assert "Deeper\nmore" in text


def test_entities_are_not_expanded() -> None:
    document = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><title>&x;</title></ClinicalDocument>'

    root = parse_cda(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + document)

    assert "root:" not in cda_body_html(root)


@pytest.mark.parametrize("data", [b"", b"no xml", b"<a>", b"\xff\xfe"])
def test_what_is_no_xml_is_not_acceptable(data: bytes) -> None:
    with pytest.raises(NotAcceptable):
        parse_cda(data)
