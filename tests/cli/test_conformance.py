from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hilum.cli.conformance import statement_page
from hilum.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "conformance-statement.md"


@pytest.mark.requirement("CAP-30")
def test_the_page_of_the_documentation_is_current() -> None:
    assert PAGE.read_text() == statement_page(), "Run `make docs`."


@pytest.mark.requirement("CAP-30")
def test_the_statement_tells_the_values_in_force(tmp_path: Path) -> None:
    file = tmp_path / "hilum.toml"
    file.write_text("[search]\nmax_results = 17\n[soap]\nenabled = false\n")

    result = CliRunner().invoke(app, ["conformance", "--json", "--config", str(file)])

    sections = {section["title"]: section for section in json.loads(result.stdout)}
    assert "At most 17 matches" in " ".join(sections["Searching"]["text"])
    assert "SOAP Service" not in sections
    assert "Studies Service" in sections
