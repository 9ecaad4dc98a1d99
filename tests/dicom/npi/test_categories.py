from __future__ import annotations

import pytest
from pydicom.uid import UID

from hilum.dicom.npi.categories import CATEGORIES, category_of_class


@pytest.mark.requirement("NPI-02", "NPI-06")
def test_each_class_is_of_one_category_and_named_as_the_standard_does() -> None:
    classes = [(uid, name) for category in CATEGORIES.values() for uid, name in category.sop_classes.items()]

    assert len({uid for uid, _ in classes}) == len(classes)
    assert [(uid, UID(uid).name) for uid, _ in classes] == classes
    assert set(CATEGORIES) == {
        "color-palettes",
        "defined-procedure-protocols",
        "hanging-protocols",
        "implant-templates",
        "inventories",
    }


def test_other_classes_are_of_no_category() -> None:
    assert category_of_class("1.2.840.10008.5.1.4.1.1.2") is None


@pytest.mark.requirement("NPI-34")
def test_keys_ascend_and_hold_both_uids() -> None:
    for category in CATEGORIES.values():
        assert list(category.keys) == sorted(set(category.keys))
        assert {"00080016", "00080018"} < set(category.keys)
