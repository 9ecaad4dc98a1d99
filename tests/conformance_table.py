"""Makes `docs/conformance.md`: each requirement id that tests cite, with those tests. Run it to write the page."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"

_INTRODUCTION = """# Conformance

Which requirement of DICOM PS3.18 is shown by which test. The ids are this project's own short names for single
statements of the standard: NEG content negotiation (8.7), MT media types (8.7.3), TSX transfer syntaxes (8.7.3),
HDR headers (8.4), PAY payloads (8.6), QP and SRCH query parameters (8.3), CHR character sets (8.8), WADO retrieve
(10.4), STOW store (10.5), QIDO search (10.6), JSON the DICOM JSON Model (annex F).

What this origin server offers today: the Retrieve, Store and Search transactions of the Studies Service for
`application/dicom`, `application/dicom+json` and bulk data, rendered resources and thumbnails (REND, REN, MT). XML and
encoding to a compressed transfer syntax are not offered yet; asking for them answers 406, or 404 where there is no
such resource.

| requirement | shown by |
|---|---|
"""


def cited() -> dict[str, list[str]]:
    """Return the tests that cite each requirement, in the order of their files."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                for requirement in _requirements(node):
                    found[requirement].append(f"{path.relative_to(ROOT / 'tests')}::{node.name}")
    return found


def _requirements(function: ast.FunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.requirement":
            for argument in decorator.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def page() -> str:
    """Return the text of the page."""
    rows = sorted(cited().items(), key=lambda row: (row[0].partition("-")[0], row[0]))
    return _INTRODUCTION + "".join(
        f"| {name} | {'<br>'.join(f'`{test}`' for test in tests)} |\n" for name, tests in rows
    )


if __name__ == "__main__":
    PAGE.write_text(page())
