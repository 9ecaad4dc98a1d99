from __future__ import annotations

import re

import conformance_table


def test_the_page_is_current() -> None:
    assert conformance_table.PAGE.read_text() == conformance_table.page(), "run `make docs`"


def test_requirements_have_the_form_of_their_ids() -> None:
    assert all(re.fullmatch(r"(IHE-)?[A-Z0-9]+-[0-9]{2}", name) for name in conformance_table.cited())
