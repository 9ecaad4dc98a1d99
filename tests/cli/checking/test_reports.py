from __future__ import annotations

import json

import pytest
from lxml import etree

from hilum.cli.checking.records import Exchange, Finding, Verdict
from hilum.cli.checking.reports import Form, counts, score_card

EXCHANGE = Exchange("http://host/studies", "200 text/html, 3 bytes")
FINDINGS = (
    Finding("QIDO-01 QP-05", "It searches", Verdict.PASSED, "1 result.", (EXCHANGE,)),
    Finding("WADO-01", "It retrieves", Verdict.FAILED, "<script>alert(1)</script>\x00", (EXCHANGE,)),
    Finding("SC-07", "It commits", Verdict.SKIPPED, "No such service.", ()),
)


def test_each_verdict_is_counted() -> None:
    assert counts(FINDINGS) == {"passed": 1, "failed": 1, "skipped": 1}


@pytest.mark.parametrize("form", Form)
def test_every_form_tells_each_finding(form: Form) -> None:
    card = score_card(FINDINGS, "http://host", form)

    assert all(finding.title in card for finding in FINDINGS)


def test_json_names_requirements_one_by_one() -> None:
    card = json.loads(score_card(FINDINGS, "http://host", Form.JSON))

    assert card["checks"][0]["requirement"] == ["QIDO-01", "QP-05"]
    assert card["counts"]["failed"] == 1


def test_junit_is_xml_whatever_the_server_says() -> None:
    suite = etree.fromstring(score_card(FINDINGS, "http://host", Form.JUNIT))

    assert [suite.get("tests"), suite.get("failures"), suite.get("skipped")] == ["3", "1", "1"]
    assert len(suite.findall("testcase/failure")) == 1


def test_what_a_server_says_is_no_markup_of_the_page() -> None:
    assert "<script>" not in score_card(FINDINGS, "http://host", Form.HTML)
