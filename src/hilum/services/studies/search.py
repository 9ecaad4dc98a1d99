"""Search for studies, series and instances (QIDO-RS)."""

from __future__ import annotations

from dataclasses import replace

from hilum.archive.archive import Archive
from hilum.dicom.searching.query import Query
from hilum.errors import PayloadTooLarge
from hilum.store.rows.records import SearchPage


def search(query: Query, *, archive: Archive) -> SearchPage:
    """Return the page of matches that `query` asks for, at most `search.max_results` of them.

    A study or series in the target resource that does not exist is a search without matches (QIDO-07).

    Raises:
        PayloadTooLarge: keys outside the index would have to be looked for in too many instances; or there are more
            results than `search.max_results`, the request asks for no page of them, and `search.over_limit` refuses.

    Source: PS3.18 8.3.4.4.1 (paging), 10.6.
    """
    settings = archive.settings.search
    page = archive.index.search(replace(query, limit=min(query.limit, settings.max_results)))
    is_page = query.asked_limit is not None and query.asked_limit <= settings.max_results
    if page.remaining and settings.over_limit == "refuse" and not is_page:
        raise PayloadTooLarge(
            f"The search has {len(page.items) + page.remaining} results, and one response holds at most "
            f"{settings.max_results}; add matching keys, or ask for pages with limit and offset."
        )
    return page
