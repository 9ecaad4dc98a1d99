"""The Basic Profile on a data set: what identifies is removed, emptied or replaced, at every level of nesting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR, repeater_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from hilum.dicom.confidentiality.basic_profile import ACTIONS, Action
from hilum.dicom.confidentiality.replacement import DUMMIES, replacement_id, replacement_uid

_PATIENT_ID: Final = 0x00100020
_PIXEL_DATA: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_CURVES: Final = range(0x5000, 0x5100)
_OVERLAYS: Final = range(0x6000, 0x6100)
_OVERLAY_CONTENT: Final = frozenset({0x3000, 0x4000})
_METHOD: Final = "PS3.15 Annex E Basic Profile, Clean Pixel Data Option"
_METHOD_CODES: Final = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113101", "Clean Pixel Data Option"),
)

_SIMPLEST: Final[Mapping[Action, Action]] = {
    # The Type of an attribute in its IOD is not known here: what keeps every IOD valid is chosen.
    Action.EMPTY_OR_DUMMY: Action.DUMMY,
    Action.REMOVE_OR_DUMMY: Action.DUMMY,
    Action.REMOVE_EMPTY_OR_DUMMY: Action.DUMMY,
    Action.REMOVE_OR_EMPTY: Action.EMPTY,
}


def deidentify(data_set: Dataset, *, key: bytes) -> None:
    """Take from a data set, in place, all that may tell whose it is; pixels are not looked at.

    Args:
        data_set: without its file meta; it may lack pixel data.
        key: of the replacement of UIDs and of Patient ID.

    Source: PS3.15 E.2 (profile), E.1.1 (rules), Table E.1-1.
    """
    _clean(data_set, key)
    data_set.PatientIdentityRemoved = "YES"
    data_set.DeidentificationMethod = _METHOD
    data_set.DeidentificationMethodCodeSequence = Sequence([_code(value, text) for value, text in _METHOD_CODES])
    data_set.LongitudinalTemporalInformationModified = "REMOVED"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _clean(data_set: Dataset, key: bytes) -> None:
    for tag in list(data_set.keys()):
        if not _is_kept(tag):
            del data_set[tag]
            continue
        if int(tag) in _PIXEL_DATA:
            continue
        element = data_set[tag]
        action = ACTIONS.get(int(tag))
        if action is Action.REMOVE:
            del data_set[tag]
        elif action is not None:
            _ACT[_SIMPLEST.get(action, action)](element, key)
        elif element.VR == "SQ":
            _clean_items(element, key)


def _is_kept(tag: BaseTag) -> bool:
    """Say whether an attribute may stay at all: it is a known one of the standard, and no overlay or curve."""
    if tag.is_private or tag.group in _CURVES or tag.element == 0:
        return False
    if tag.group in _OVERLAYS and tag.element in _OVERLAY_CONTENT:
        return False
    return dictionary_has_tag(tag) or repeater_has_tag(tag)


def _clean_items(element: DataElement, key: bytes) -> None:
    for item in element.value or ():
        _clean(item, key)


def _empty(element: DataElement, _key: bytes) -> None:
    element.value = Sequence() if element.VR == "SQ" else ("" if element.VR not in DUMMIES else _nothing(element.VR))


def _nothing(vr: str) -> str | bytes | None:
    dummy = DUMMIES[vr]
    return b"" if isinstance(dummy, bytes) else "" if isinstance(dummy, str) else None


def _put_dummy(element: DataElement, key: bytes) -> None:
    if element.tag == _PATIENT_ID:
        element.value = replacement_id(str(element.value or ""), key)
    elif element.VR == "SQ":
        # What a sequence of Type 1 needs is an item; what the old ones said is gone.
        element.value = Sequence([Dataset()])
    elif element.VR == "UI":
        _replace_uids(element, key)
    else:
        vr = element.VR if element.VR in DUMMIES else dictionary_VR(element.tag)
        element.value = DUMMIES.get(vr, "")


def _replace_uids(element: DataElement, key: bytes) -> None:
    if element.VR == "SQ":
        _clean_items(element, key)
    elif isinstance(element.value, MultiValue | list):
        element.value = [replacement_uid(str(one), key) for one in element.value]
    elif element.value:
        element.value = replacement_uid(str(element.value), key)


_ACT: Final[Mapping[Action, Callable[[DataElement, bytes], None]]] = {
    Action.EMPTY: _empty,
    Action.DUMMY: _put_dummy,
    Action.UID: _replace_uids,
    Action.REMOVE_EMPTY_OR_UID: _replace_uids,
}
