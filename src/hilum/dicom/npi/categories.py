"""The categories of non-patient instances: their SOP classes, and what searches of each return.

Source: PS3.18 12.1.1, PS3.4 Table GG.3-1; the keys: PS3.4 U.6.1, X.6.1, BB.6.1, HH.6.1, KK.6.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hilum.dicom.levels import tag_of


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of non-patient instances, with resources of its own."""

    name: str
    """Name in the paths of its resources."""
    sop_classes: Mapping[str, str]
    """UID to name."""
    keys: tuple[str, ...]
    """Tags of the attributes that each match of a search has, ascending; empty ones if they are unknown."""


def _category(name: str, sop_classes: Mapping[str, str], keywords: str) -> Category:
    tags = {tag_of(keyword) for keyword in ("SOPClassUID", "SOPInstanceUID", *keywords.split())}
    return Category(name, sop_classes, tuple(sorted(tags)))


_IMPLANT_TEMPLATES: Final = {
    "1.2.840.10008.5.1.4.43.1": "Generic Implant Template Storage",
    "1.2.840.10008.5.1.4.44.1": "Implant Assembly Template Storage",
    "1.2.840.10008.5.1.4.45.1": "Implant Template Group Storage",
}
_PROCEDURE_PROTOCOLS: Final = {
    "1.2.840.10008.5.1.4.1.1.200.1": "CT Defined Procedure Protocol Storage",
    "1.2.840.10008.5.1.4.1.1.200.7": "XA Defined Procedure Protocol Storage",
}

CATEGORIES: Final[Mapping[str, Category]] = {
    category.name: category
    for category in (
        _category(
            "color-palettes",
            {"1.2.840.10008.5.1.4.39.1": "Color Palette Storage"},
            "ContentLabel ContentDescription ContentCreatorName AlternateContentDescriptionSequence",
        ),
        _category(
            "defined-procedure-protocols",
            _PROCEDURE_PROTOCOLS,
            """
            Modality ProtocolName CustodialOrganizationSequence ResponsibleGroupCodeSequence EquipmentModality
            ModelSpecificationSequence ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName
            PotentialScheduledProtocolCodeSequence
            """,
        ),
        _category(
            "hanging-protocols",
            {"1.2.840.10008.5.1.4.38.1": "Hanging Protocol Storage"},
            """
            HangingProtocolName HangingProtocolDescription HangingProtocolLevel HangingProtocolCreator
            HangingProtocolCreationDateTime HangingProtocolDefinitionSequence NumberOfPriorsReferenced
            HangingProtocolUserIdentificationCodeSequence HangingProtocolUserGroupName
            """,
        ),
        _category(
            "implant-templates",
            _IMPLANT_TEMPLATES,
            """
            Manufacturer ImplantName ImplantSize ImplantPartNumber EffectiveDateTime ImplantTypeCodeSequence
            ReplacedImplantTemplateSequence ImplantAssemblyTemplateName ImplantTemplateGroupName
            """,
        ),
        _category(
            "inventories",
            {"1.2.840.10008.5.1.4.1.1.201.1": "Inventory Storage"},
            """
            ContentDate ContentTime InventoryPurpose InventoryInstanceDescription InventoryLevel
            InventoryCompletionStatus TotalNumberOfStudyRecords NumberOfStudyRecordsInInstance
            """,
        ),
    )
}
"""By name (NPI-02)."""

_OF_CLASS: Final = {uid: category for category in CATEGORIES.values() for uid in category.sop_classes}


def category_of_class(sop_class_uid: str) -> Category | None:
    """Return the category of a SOP class, None if its instances are no non-patient instances.

    >>> category_of_class("1.2.840.10008.5.1.4.39.1").name
    'color-palettes'
    """
    return _OF_CLASS.get(sop_class_uid)
