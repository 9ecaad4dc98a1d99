from __future__ import annotations

import re

import httpx
import pytest

from hilum.cli.checking.probe import Probe
from hilum.cli.checking.records import Verdict
from hilum.cli.checking.run import CHECKS, Mode, run_checks

NONSENSE = (b"", b"[]", b"[1]", b'[{"0020000D":{"Value":[]}}]', b'[{"0020000D":1}]', b"null", b'{"a":[]}', b"\xff")


def test_every_check_names_requirements_and_says_what_it_is_about() -> None:
    for check in CHECKS[Mode.WRITE]:
        assert re.fullmatch(r"[A-Z]+-\d+( [A-Z]+-\d+)*", check.requirement)
        assert check.title[0].isupper() or check.title[0].isdigit() or check.title[0] == "*"


def test_reading_checks_are_all_among_those_that_write() -> None:
    assert set(CHECKS[Mode.READ]) < set(CHECKS[Mode.WRITE])


@pytest.mark.parametrize("body", NONSENSE)
@pytest.mark.parametrize("status", [200, 404, 500])
def test_whatever_a_server_answers_the_run_comes_to_its_end(body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/dicom+json"}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body, headers=headers))
    with httpx.Client(base_url="http://host", transport=transport) as client:
        for mode in Mode:
            findings = list(run_checks(Probe(client), mode))

            assert len(findings) >= len(CHECKS[mode])
            assert any(finding.verdict is Verdict.FAILED for finding in findings)
