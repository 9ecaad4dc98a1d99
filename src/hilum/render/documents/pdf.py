"""Reports as PDF: A4, selectable text in any script, headings as bookmarks, links that work."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.errors import FPDFException

from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.documents.report import ContentItem, Report
from hilum.render.graphics.text import FONTS, font_data, runs_of

_MOST_ITEMS: Final = 5_000
_BODY_PT: Final = 10
_LINE_MM: Final = 5.0
_STEP_MM: Final = 5.0
_DEEPEST_INDENT: Final = 12
_TITLE_PT: Final = 18
_HEADING_PT: Final = (15, 13, 12, 11)


def report_pdf(report: Report, service_url: str) -> bytes:
    """Return a report as PDF.

    Raises:
        PayloadTooLarge: it has more content items than are laid out.
        NotAcceptable: it cannot be laid out.
    """
    if _count(report.root) > _MOST_ITEMS:
        raise PayloadTooLarge(f"A report of more than {_MOST_ITEMS} content items is not rendered as PDF.")
    # The library takes fonts as files.
    with tempfile.TemporaryDirectory(prefix="hilum-fonts-") as folder:
        try:
            return _Writer(report, service_url, Path(folder)).written()
        except FPDFException as error:
            raise NotAcceptable("The report cannot be laid out as PDF.") from error


def _count(item: ContentItem) -> int:
    return 1 + sum(_count(child) for child in item.children)


def pdf_with_fonts(folder: Path, text: str) -> FPDF:
    """Return an empty A4 document with the fonts that `text` needs, the first as the current one."""
    pdf = FPDF(format="A4")
    pdf.set_compression(True)
    pdf.set_margin(18)
    pdf.set_auto_page_break(auto=True, margin=18)
    needed = {0} | {run.font for line in text.splitlines() for run in runs_of(line)}
    for number in sorted(needed):
        path = folder / f"{number}.{FONTS[number]}"
        path.write_bytes(font_data(number))
        pdf.add_font(str(number), "", str(path))
    pdf.set_fallback_fonts([str(number) for number in sorted(needed) if number])
    pdf.set_font("0", size=_BODY_PT)
    pdf.set_text_shaping(use_shaping_engine=True)
    return pdf


class _Writer:
    def __init__(self, report: Report, service_url: str, folder: Path) -> None:
        self._report = report
        self._service_url = service_url
        self._pdf = pdf_with_fonts(folder, "\n".join(_texts(report)))

    def written(self) -> bytes:
        pdf, report = self._pdf, self._report
        pdf.set_title(report.title)
        if report.language:
            pdf.set_lang(report.language)
        pdf.add_page()
        self._line(report.title, 0, _TITLE_PT)
        for name, value in report.facts:
            self._line(f"{name}: {value}", 0)
        pdf.ln(_LINE_MM)
        for child in report.root.children:
            self._item(child, 0)
        return bytes(pdf.output())

    def _item(self, item: ContentItem, depth: int) -> None:
        if item.is_container:
            self._pdf.ln(_LINE_MM / 2)
            if item.name.text:
                self._line(item.name.text, depth, _HEADING_PT[min(depth, len(_HEADING_PT) - 1)])
        else:
            self._leaf(item, depth)
        for child in item.children:
            self._item(child, depth + 1)

    def _leaf(self, item: ContentItem, depth: int) -> None:
        relation = "from " if item.relationship in ("INFERRED FROM", "SELECTED FROM") else ""
        plain = "; ".join(piece.text for piece in item.value if not piece.path)
        self._line(relation + (f"{item.name.text}: {plain}" if item.name.text else plain), depth)
        for piece in item.value:
            if piece.path:
                self._line(piece.text, depth + 1, link=self._service_url + piece.path)

    def _line(self, text: str, depth: int, size: int = _BODY_PT, link: str = "") -> None:
        if not text.strip():
            return
        pdf = self._pdf
        pdf.set_font("0", size=size)
        pdf.set_x(pdf.l_margin + min(depth, _DEEPEST_INDENT) * _STEP_MM)
        pdf.set_text_color(*((0, 60, 160) if link else (0, 0, 0)))
        pdf.multi_cell(
            0, _LINE_MM * size / _BODY_PT, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT, link=link or ""
        )


def _texts(report: Report) -> list[str]:
    found = [report.title, *(value for _, value in report.facts)]
    waiting = [report.root]
    while waiting:
        item = waiting.pop()
        found += [item.name.text, *(piece.text for piece in item.value)]
        waiting += item.children
    return found
