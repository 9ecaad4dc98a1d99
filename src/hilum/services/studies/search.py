"""Search for studies, series and instances (QIDO-RS)."""

from __future__ import annotations

from dataclasses import replace

from hilum.archive.archive import Archive
from hilum.dicom.searching.query import Query
from hilum.store.rows.records import SearchPage


def search(query: Query, *, archive: Archive) -> SearchPage:
    """Return the page of matches that `query` asks for, at most `search.max_results` of them.

    A study or series in the target resource that does not exist is a search without matches (QIDO-07).

    Raises:
        PayloadTooLarge: keys outside the index would have to be looked for in too many instances.

    Source: PS3.18 8.3.4.4.1 (paging), 10.6.
    """
    limit = min(query.limit, archive.settings.search.max_results)
    if limit == 0:
        return SearchPage(items=(), remaining=0, warnings=query.warnings)
    page = archive.index.search(replace(query, limit=limit))
    return replace(page, warnings=(*query.warnings, *page.warnings))
