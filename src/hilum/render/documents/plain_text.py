"""Reports as plain text: the same walk as HTML, two blanks a level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hilum.render.documents.report import ContentItem, Piece, Report

_INDENT: Final = "  "


def report_text(report: Report, service_url: str) -> str:
    """Return a report as plain text; references are the URLs of what is rendered."""
    lines = [report.title, "=" * min(len(report.title), 79), ""]
    lines += [f"{name}: {value}" for name, value in report.facts]
    lines.append("")
    for child in report.root.children:
        lines += _lines(child, 0, service_url)
    return "\n".join(lines) + "\n"


def _lines(item: ContentItem, level: int, service_url: str) -> Iterator[str]:
    indent = _INDENT * level
    relation = "from " if item.relationship in ("INFERRED FROM", "SELECTED FROM") else ""
    value = "; ".join(_piece(piece, service_url) for piece in item.value)
    name = f"{relation}{item.name.text}" if item.name.text else relation.rstrip()
    first, *rest = (f"{name}: {value}" if name and value else name or value).splitlines() or [""]
    if first or rest:
        yield indent + first
        yield from (indent + _INDENT + line for line in rest)
    for child in item.children:
        yield from _lines(child, level + 1, service_url)


def _piece(piece: Piece, service_url: str) -> str:
    return f"{piece.text} <{service_url}{piece.path}>" if piece.path else piece.text
