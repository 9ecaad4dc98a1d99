"""The score card: text, JSON, JUnit XML, HTML."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final

from lxml import etree

from hilum.cli.checking.records import Finding, Verdict


class Form(Enum):
    """Form of the score card."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    HTML = "html"


def score_card(findings: Sequence[Finding], url: str, form: Form) -> str:
    """Return the score card of a server."""
    return _WRITERS[form](findings, url)


def counts(findings: Sequence[Finding]) -> Mapping[str, int]:
    """Return how many checks passed, failed and were skipped."""
    counted = Counter(finding.verdict for finding in findings)
    return {verdict.value: counted[verdict] for verdict in Verdict}


def _summary(findings: Sequence[Finding]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counts(findings).items())


def _text(findings: Sequence[Finding], url: str) -> str:
    lines = [f"{url}: {_summary(findings)}", ""]
    for finding in findings:
        lines.append(f"{finding.verdict.value.upper():8}{finding.requirement:24} {finding.title}")
        lines.append(f"{'':8}{'':24} {finding.saw}")
        if finding.verdict is Verdict.FAILED:
            lines += [f"{'':8}{'':24} curl {one.request} -> {one.answer}" for one in finding.exchanges]
    return "\n".join(lines) + "\n"


def _json(findings: Sequence[Finding], url: str) -> str:
    checks = [
        {
            "requirement": finding.requirement.split(),
            "title": finding.title,
            "verdict": finding.verdict.value,
            "saw": finding.saw,
            "exchanges": [{"request": one.request, "answer": one.answer} for one in finding.exchanges],
        }
        for finding in findings
    ]
    return json.dumps({"server": url, "counts": counts(findings), "checks": checks}, indent=2) + "\n"


def _junit(findings: Sequence[Finding], url: str) -> str:
    counted = counts(findings)
    attributes = {
        "name": _printable(f"DICOMweb conformance of {url}"),
        "tests": str(len(findings)),
        "failures": str(counted["failed"]),
        "skipped": str(counted["skipped"]),
    }
    suite = etree.Element("testsuite", attributes)
    for finding in findings:
        named = {"classname": finding.requirement.replace(" ", "."), "name": finding.title}
        case = etree.SubElement(suite, "testcase", named)
        if finding.verdict is not Verdict.PASSED:
            kind = "failure" if finding.verdict is Verdict.FAILED else "skipped"
            etree.SubElement(case, kind, {"message": _printable(finding.saw)})
        told = "\n".join(f"curl {one.request} -> {one.answer}" for one in finding.exchanges)
        etree.SubElement(case, "system-out").text = _printable(f"{finding.saw}\n{told}")
    return etree.tostring(suite, encoding="unicode", pretty_print=True)


def _printable(text: str) -> str:
    """Return the text without what XML cannot say: it comes from the server."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


_STYLE: Final = (
    "body{font:14px sans-serif;margin:2em}td,th{padding:.3em .8em;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ddd}.passed{color:#070}.failed{color:#b00}.skipped{color:#777}code{word-break:break-all}"
)


def _html(findings: Sequence[Finding], url: str) -> str:
    rows = "\n".join(_html_row(finding) for finding in findings)
    title = html.escape(f"DICOMweb conformance of {url}")
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n<p>{_summary(findings)}</p>\n<table>\n"
        f"<tr><th>Requirement</th><th>What the server does</th><th>Verdict</th><th>Seen</th></tr>\n{rows}\n"
        "</table>\n</body>\n</html>\n"
    )


def _html_row(finding: Finding) -> str:
    asked = "".join(
        f"<br><code>curl {html.escape(one.request)}</code> &rarr; {html.escape(one.answer)}"
        for one in finding.exchanges
    )
    verdict = finding.verdict.value
    return (
        f"<tr><td>{html.escape(finding.requirement)}</td><td>{html.escape(finding.title)}</td>"
        f'<td class="{verdict}">{verdict}</td><td>{html.escape(finding.saw)}{asked}</td></tr>'
    )


_WRITERS: Final[Mapping[Form, Callable[[Sequence[Finding], str], str]]] = {
    Form.TEXT: _text,
    Form.JSON: _json,
    Form.JUNIT: _junit,
    Form.HTML: _html,
}
