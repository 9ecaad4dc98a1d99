from __future__ import annotations

import pytest

from hilum.web.resources.resource import Resource
from hilum.web.resources.services import SERVICES
from hilum.web.resources.shared import PAGING, RETRIEVE_STATUSES, SEARCH_STATUSES, STORE_STATUSES

SEARCHES = [row for service in SERVICES for row in service.resources if row.transaction.startswith("Search")]


def test_there_are_searches() -> None:
    assert {row.path.rpartition("/")[2] for row in SEARCHES} > {"studies", "series", "instances", "workitems"}


@pytest.mark.parametrize("row", SEARCHES, ids=lambda row: str(row.path))
def test_every_search_can_be_paged_and_refused(row: Resource) -> None:
    assert set(PAGING) <= set(row.parameters)
    assert set(SEARCH_STATUSES) <= set(row.statuses)


@pytest.mark.parametrize("statuses", [RETRIEVE_STATUSES, SEARCH_STATUSES, STORE_STATUSES])
def test_statuses_stand_once_and_in_order(statuses: tuple[int, ...]) -> None:
    assert list(statuses) == sorted(set(statuses))
