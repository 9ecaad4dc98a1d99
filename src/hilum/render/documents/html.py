"""Reports as HTML: sections with headings, facts, links and small images. No scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from hilum.render.documents.report import ContentItem, Piece, Report

_DEEPEST_HEADING: Final = 6
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52em;margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "h1{font-size:1.6em}h2{font-size:1.3em}h3,h4,h5,h6{font-size:1.1em}"
    "dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em;border-block:1px solid #bbb;"
    "padding:.5em 0}dl.facts dt{color:#555}dl.facts dd{margin:0}"
    ".item{margin:.25em 0}.item .item{margin-inline-start:1.5em}.name{font-weight:600}"
    ".context{color:#444;font-size:.92em}.value{white-space:pre-wrap}section{margin-block:.75em}"
    "section section{margin-inline-start:.75em}img{display:block;max-width:128px;max-height:128px;margin:.25em 0}"
    "object{width:100%;height:85vh}:target{background:#ffd}"
    "@media print{body{margin:0;max-width:none}a{color:inherit}h1,h2,h3{break-after:avoid}.item{break-inside:avoid}}"
)


def page(title: str, body: str, language: str = "") -> str:
    """Return a whole page around `body`, which is HTML already."""
    lang = f' lang="{escape(language)}"' if language else ""
    return (
        f'<!DOCTYPE html>\n<html{lang}>\n<head>\n<meta charset="{CHARSET_MARK}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


CHARSET_MARK: Final = "\0charset\0"
"""Where the name of the character set goes when the page is encoded; no text of a report has NUL."""


def report_html(report: Report, service_url: str) -> str:
    """Return a report as a page; what is linked lies below `service_url`.

    Source: HTML Living Standard; PS3.18 Table 8.7.4-1 (text/html).
    """
    writer = _Writer(service_url)
    facts = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>\n" for name, value in report.facts)
    header = f'<header>\n<h1>{_text(report.title)}</h1>\n<dl class="facts">\n{facts}</dl>\n</header>\n'
    root = report.root
    body = f'<article id="item-1">\n{"".join(writer.inside(root, 1))}</article>'
    return page(report.title, header + body, report.language)


def _text(text: str) -> str:
    return escape(text.replace("\0", "�"))


class _Writer:
    def __init__(self, service_url: str) -> None:
        self._service_url = service_url

    def inside(self, item: ContentItem, depth: int) -> Iterator[str]:
        """Yield what hangs on an item: context first, in the order of the document."""
        for child in item.children:
            if child.is_context:
                yield from self._block(child, depth, "item context")
        for child in item.children:
            if child.is_context:
                continue
            if child.is_container:
                yield from self._section(child, depth + 1)
            elif item.is_continuous:
                yield from self._flowing(child, depth)
            else:
                yield from self._block(child, depth, "item")

    def _section(self, item: ContentItem, depth: int) -> Iterator[str]:
        yield f'<section id="item-{item.position}">\n'
        if item.name.text:
            tag = f"h{depth}" if depth <= _DEEPEST_HEADING else "p"
            name = self._name(item.name)
            yield f"<{tag}>{name}</{tag}>\n" if tag != "p" else f"<p><b>{name}</b></p>\n"
        yield from self.inside(item, depth)
        yield "</section>\n"

    def _block(self, item: ContentItem, depth: int, classes: str) -> Iterator[str]:
        yield f'<div class="{classes}" id="item-{item.position}">{self._line(item)}'
        yield from self.inside(item, depth)
        yield "</div>\n"

    def _flowing(self, item: ContentItem, depth: int) -> Iterator[str]:
        yield f'<span id="item-{item.position}">{self._value(item)}</span> '
        yield from self.inside(item, depth)

    def _line(self, item: ContentItem) -> str:
        relation = _RELATIONS.get(item.relationship, "")
        name = self._name(item.name)
        start = f'{relation}<span class="name">{name}:</span> ' if name else relation
        return start + self._value(item)

    def _value(self, item: ContentItem) -> str:
        return f'<span class="value">{"; ".join(self._piece(piece) for piece in item.value)}</span>'

    def _name(self, name: Piece) -> str:
        return f'<span title="{_text(name.title)}">{_text(name.text)}</span>' if name.title else _text(name.text)

    def _piece(self, piece: Piece) -> str:
        title = f' title="{_text(piece.title)}"' if piece.title else ""
        if piece.anchor:
            return f'<a href="#item-{_text(piece.anchor)}">{_text(piece.text)}</a>'
        if not piece.path:
            return f"<span{title}>{_text(piece.text)}</span>" if title else _text(piece.text)
        image = ""
        if piece.thumbnail:
            image = f'<img src="{_text(self._service_url + piece.thumbnail)}" alt="" loading="lazy">'
        return f'<a href="{_text(self._service_url + piece.path)}"{title}>{image}{_text(piece.text)}</a>'


_RELATIONS: Final = {"INFERRED FROM": "from ", "SELECTED FROM": "from "}
