from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.render.documents.html import report_html
from hilum.render.documents.report import report_of
from render_sources import attributes
from report_objects import SERVICE, code, content, evidence, make_report, reference

VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Reads HTML strictly: what is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        found = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := found.get(name))]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        assert not any(name.startswith("on") for name in found)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def html_of(*items: object, **values: object) -> str:
    return report_html(report_of(attributes(make_report(*items, **values)), lambda _: True), SERVICE)  # type: ignore[arg-type] # items are data sets


@pytest.mark.requirement("REN-17")
def test_sections_have_headings_of_their_depth() -> None:
    inner = content("CONTAINER", "Inner", ContentSequence=[content("TEXT", "T", TextValue="deep")])
    html = html_of(content("CONTAINER", "Outer", ContentSequence=[inner]))

    assert "<h1>Imaging Report</h1>" in html
    assert [tag for tag in read(html).seen if tag in ("h1", "h2", "h3", "section")] == [
        "h1",
        "section",
        "h2",
        "section",
        "h3",
    ]


@pytest.mark.requirement("REN-17")
@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda text: text.strip() and "\\" not in text))
def test_no_text_of_a_report_becomes_markup(text: str) -> None:
    hostile = f"<script>alert(1)</script>{text}\"'>"
    item = content("TEXT", "x", TextValue=hostile)
    members = attributes(make_report(item)).members
    item_members = members["0040A730"]["Value"][0]
    item_members["0040A043"]["Value"][0]["00080104"]["Value"] = [hostile]

    reader = read(report_html(report_of(attributes(make_report()).item_of(members), lambda _: True), SERVICE))

    assert "script" not in reader.seen


@pytest.mark.requirement("REN-17")
def test_links_lead_below_the_service_or_to_items_that_are_there() -> None:
    html = html_of(
        content("IMAGE", "Image", ReferencedSOPSequence=[reference("1.3")]),
        content("", relationship="INFERRED FROM", ReferencedContentItemIdentifier=[1, 1]),
        CurrentRequestedProcedureEvidenceSequence=evidence(("1", "1.2", "1.3")),
    )

    reader = read(html)

    image = f"{SERVICE}/studies/1/series/1.2/instances/1.3"
    assert sorted(reader.links) == sorted([f"{image}/rendered", f"{image}/thumbnail", "#item-1.1"])
    assert "item-1.1" in reader.ids


def test_a_continuous_container_reads_as_one_text() -> None:
    words = [content("TEXT", TextValue=text) for text in ("A mass", "was found.")]

    html = html_of(content("CONTAINER", "Findings", ContinuityOfContent="CONTINUOUS", ContentSequence=words))

    assert "A mass was found." in " ".join(read(html).text.split())


def test_the_language_and_the_codes_are_in_the_markup() -> None:
    language = content("CODE", "Language", "HAS CONCEPT MOD", ConceptCodeSequence=[code("de", "German", "RFC5646")])
    language.ConceptNameCodeSequence[0].CodeValue = "121049"

    html = html_of(language)

    assert '<html lang="de">' in html
    assert 'title="(de, RFC5646)"' in html
    assert html.index("German") < html.index("</article>")
