"""Makes `docs/conformance.md`: each requirement id that tests cite, with those tests. Run it to write the page."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from open_requirements import reason_of
from requirements import IDS, LEVELS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"

_INTRODUCTION = """# Conformance

Which requirement of DICOM PS3.18 and of the profiles built on it is shown by which test. The ids are this project's own
short names for single statements of the standards; M: mandatory for an origin server that claims the service, S and O:
what it should or may do, X: outside the standard. "open" says what is not there, or not shown.
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
    shown = cited()
    return _INTRODUCTION + "".join(_part(title, levels, shown) for title, levels in IDS.items())


def _part(title: str, levels: dict[str, str], shown: dict[str, list[str]]) -> str:
    names = sorted(name for text in levels.values() for name in text.split())
    rows = "".join(f"| {name} | {LEVELS[name]} | {_cell(name, shown)} |\n" for name in names)
    return f"\n## {title}\n\n| requirement | | shown by |\n|---|---|---|\n{rows}"


def _cell(name: str, shown: dict[str, list[str]]) -> str:
    if name in shown:
        return "<br>".join(f"`{test}`" for test in shown[name])
    return f"open: {reason_of(name) or 'no test yet'}"


if __name__ == "__main__":
    PAGE.write_text(page())
