"""Search for non-patient instances (PS3.18 12.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hilum.archive.archive import Archive
from hilum.dicom.dictionary import vr_of
from hilum.dicom.levels import RETURNED_ATTRIBUTES, tag_of
from hilum.dicom.npi.categories import Category
from hilum.dicom.searching.query import Query
from hilum.store.npi.records import NonPatientPage

_CHARACTER_SET: Final = tag_of("SpecificCharacterSet")
_TOLD_UNASKED: Final = frozenset(attribute.tag for rows in RETURNED_ATTRIBUTES.values() for attribute in rows)
"""A query leaves these out of its `include`, since studies, series and instances return them unasked."""


def search_non_patients(query: Query, category: Category, *, archive: Archive) -> NonPatientPage:
    """Return the page of a category's instances that `query` asks for (NPI-30 to NPI-34)."""
    page = archive.index.non_patients.search(category.name, query)
    return replace(page, items=[_Result(query, category).of(members) for members in page.items])


@dataclass(frozen=True, slots=True)
class _Result:
    """What a query returns of one instance."""

    query: Query
    category: Category

    def of(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the attributes; keys of the category and what was asked for are there even without a value."""
        if self.query.include_all:
            return members
        found = {tag: members.get(tag) or _empty(tag) for tag in (*self.category.keys, *self.query.include)}
        matched = [match.path[0] for match in self.query.matches]
        for tag in (*matched, *_TOLD_UNASKED, _CHARACTER_SET):
            if tag in members:
                found[tag] = members[tag]
        return dict(sorted(found.items()))


def _empty(tag: str) -> Mapping[str, Any]:
    return {"vr": vr_of(int(tag, 16), "").partition(" ")[0]}
