from __future__ import annotations

import conformance_table
from open_requirements import REASONS, reason_of
from requirements import LEVELS


def test_the_page_is_current() -> None:
    assert conformance_table.PAGE.read_text() == conformance_table.page(), "run `make docs`"


def test_every_cited_requirement_is_known() -> None:
    assert sorted(set(conformance_table.cited()) - set(LEVELS)) == []


def test_no_requirement_of_the_studies_service_is_open_without_a_reason() -> None:
    groups = ("QP", "NEG", "MT", "TSX", "HDR", "STAT", "PAY", "SRCH", "CHR", "WADO", "STOW", "QIDO", "JSON", "XML")
    shown = conformance_table.cited()
    silent = [name for name in LEVELS if name.partition("-")[0] in groups and name not in shown and not reason_of(name)]

    assert silent == []


def test_nothing_that_is_shown_is_called_open() -> None:
    assert sorted(set(REASONS) & set(conformance_table.cited())) == []
