"""Which level an attribute belongs to, and which attributes searches match and return.

Attributes stand here as keywords, grouped by the modules of PS3.3 that define them, and are resolved
through the data dictionary when the module is imported. An attribute that some modules place in the series
and others in the image (Filter Type, View Position, Radiopharmaceutical Information Sequence, ...) belongs
to the instance: it may differ from one instance to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_VR, tag_for_keyword

if TYPE_CHECKING:
    from collections.abc import Mapping


class Level(Enum):
    """Levels of the information model of the Studies Service."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


LEVELS: Final = (Level.STUDY, Level.SERIES, Level.INSTANCE)
"""All levels, highest first."""


def tag_of(keyword: str) -> str:
    """Return the eight-digit upper-case tag of a keyword of the data dictionary.

    Raises:
        KeyError: there is no such keyword.

    >>> tag_of("StudyInstanceUID")
    '0020000D'
    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return f"{tag:08X}"


def _tags_of(modules: Mapping[str, str]) -> frozenset[str]:
    return frozenset(tag_of(keyword) for keywords in modules.values() for keyword in keywords.split())


_PATIENT_MODULES: Final = {
    "Patient, PS3.3 C.7.1.1 (with Patient Identification C.2.2, Demographic C.2.3)": """
        ReferencedPatientSequence PatientName PatientID IssuerOfPatientID TypeOfPatientID
        IssuerOfPatientIDQualifiersSequence SourcePatientGroupIdentificationSequence
        GroupOfPatientsIdentificationSequence PatientBirthDate PatientBirthDateInAlternativeCalendar
        PatientDeathDateInAlternativeCalendar PatientAlternativeCalendar PatientSex PatientBirthTime
        QualityControlSubject OtherPatientIDs OtherPatientIDsSequence OtherPatientNames EthnicGroup
        EthnicGroupCodeSequence PatientComments PatientSpeciesDescription PatientSpeciesCodeSequence
        PatientBreedDescription PatientBreedCodeSequence BreedRegistrationSequence StrainDescription
        StrainNomenclature StrainCodeSequence StrainAdditionalInformation StrainStockSequence
        GeneticModificationsSequence ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization
        PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence
        PatientBirthName PatientMotherBirthName PatientAddress PatientTelephoneNumbers
        PatientTelecomInformation CountryOfResidence RegionOfResidence MilitaryRank BranchOfService
        PatientReligiousPreference PatientPrimaryLanguageCodeSequence PatientInsurancePlanCodeSequence
        MedicalRecordLocator ReferencedPatientPhotoSequence ConfidentialityConstraintOnPatientDataDescription
        """,
    "Clinical Trial Subject, PS3.3 C.7.1.3": """
        ClinicalTrialSponsorName ClinicalTrialProtocolID IssuerOfClinicalTrialProtocolID
        OtherClinicalTrialProtocolIDsSequence ClinicalTrialProtocolName ClinicalTrialSiteID
        IssuerOfClinicalTrialSiteID ClinicalTrialSiteName ClinicalTrialSubjectID
        IssuerOfClinicalTrialSubjectID ClinicalTrialSubjectReadingID IssuerOfClinicalTrialSubjectReadingID
        ClinicalTrialProtocolEthicsCommitteeName ClinicalTrialProtocolEthicsCommitteeApprovalNumber
        """,
    "Counts of the patient, PS3.4 C.3.4": """
        NumberOfPatientRelatedStudies NumberOfPatientRelatedSeries NumberOfPatientRelatedInstances
        """,
}

_STUDY_MODULES: Final = {
    "General Study, PS3.3 C.7.2.1": """
        StudyInstanceUID StudyDate StudyTime ReferringPhysicianName ReferringPhysicianIdentificationSequence
        ConsultingPhysicianName ConsultingPhysicianIdentificationSequence StudyID AccessionNumber
        IssuerOfAccessionNumberSequence StudyDescription PhysiciansOfRecord
        PhysiciansOfRecordIdentificationSequence NameOfPhysiciansReadingStudy
        PhysiciansReadingStudyIdentificationSequence RequestingService RequestingServiceCodeSequence
        ReferencedStudySequence ProcedureCodeSequence ReasonForPerformedProcedureCodeSequence
        """,
    "Patient Study, PS3.3 C.7.2.2 (with Patient Medical C.2.4)": """
        AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence PatientAge PatientSize
        PatientSizeCodeSequence PatientWeight PatientBodyMassIndex MeasuredAPDimension
        MeasuredLateralDimension MedicalAlerts Allergies SmokingStatus
        PregnancyStatus LastMenstrualDate PatientState Occupation AdditionalPatientHistory
        AdmissionID IssuerOfAdmissionIDSequence ReasonForVisit ReasonForVisitCodeSequence ServiceEpisodeID
        IssuerOfServiceEpisodeIDSequence ServiceEpisodeDescription PatientSexNeutered SpecialNeeds
        """,
    "Clinical Trial Study, PS3.3 C.7.2.3": """
        ClinicalTrialTimePointID IssuerOfClinicalTrialTimePointID ClinicalTrialTimePointDescription
        ClinicalTrialTimePointTypeCodeSequence LongitudinalTemporalOffsetFromEvent
        LongitudinalTemporalEventType ConsentForClinicalTrialUseSequence
        """,
    "Summaries of the study, PS3.4 C.3.4": """
        ModalitiesInStudy SOPClassesInStudy AnatomicRegionsInStudyCodeSequence NumberOfStudyRelatedSeries
        NumberOfStudyRelatedInstances
        """,
}

_SERIES_MODULES: Final = {
    "General Series, PS3.3 C.7.3.1": """
        Modality SeriesInstanceUID SeriesNumber Laterality SeriesDate SeriesTime PerformingPhysicianName
        PerformingPhysicianIdentificationSequence ProtocolName SeriesDescription SeriesDescriptionCodeSequence
        OperatorsName OperatorIdentificationSequence ReferencedPerformedProcedureStepSequence
        RelatedSeriesSequence BodyPartExamined PatientPosition SmallestPixelValueInSeries
        LargestPixelValueInSeries RequestAttributesSequence PerformedProcedureStepID
        PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepEndDate
        PerformedProcedureStepEndTime PerformedProcedureStepDescription PerformedProtocolCodeSequence
        CommentsOnThePerformedProcedureStep AnatomicalOrientationType TreatmentSessionUID
        """,
    "Clinical Trial Series, PS3.3 C.7.3.2": """
        ClinicalTrialCoordinatingCenterName ClinicalTrialSeriesID IssuerOfClinicalTrialSeriesID
        ClinicalTrialSeriesDescription
        """,
    "CR Series, PS3.3 C.8.1.1": "PlateType PhosphorType",
    "NM/PET Patient Orientation, PS3.3 C.8.4.6": """
        PatientOrientationCodeSequence PatientGantryRelationshipCodeSequence
        """,
    "PET Series, PS3.3 C.8.9.1": """
        Units SUVType CountsSource SeriesType ReprojectionMethod NumberOfTimeSlices
        RandomsCorrectionMethod AttenuationCorrectionMethod ScatterCorrectionMethod DecayCorrection
        DetectorLinesOfResponseUsed SecondaryCountsType AxialAcceptance AxialMash TransverseMash
        DetectorElementSize CoincidenceWindowWidth
        """,
    "DX Series, PS3.3 C.8.11.1": "PresentationIntentType",
    "Frame of Reference, PS3.3 C.7.4.1": "FrameOfReferenceUID PositionReferenceIndicator",
    "Synchronization, PS3.3 C.7.4.2": """
        SynchronizationFrameOfReferenceUID SynchronizationTrigger SynchronizationChannel
        AcquisitionTimeSynchronized TimeSource TimeDistributionProtocol NTPSourceAddress
        """,
    "General Equipment, PS3.3 C.7.5.1": """
        Manufacturer InstitutionName InstitutionAddress StationName InstitutionalDepartmentName
        InstitutionalDepartmentTypeCodeSequence ManufacturerModelName ManufacturerDeviceClassUID
        DeviceSerialNumber SoftwareVersions GantryID UDISequence DeviceUID SpatialResolution
        DateOfManufacture DateOfInstallation DateOfLastCalibration TimeOfLastCalibration
        """,
    "Summaries of the series, PS3.4 C.3.4": "NumberOfSeriesRelatedInstances",
}

PATIENT_TAGS: Final = _tags_of(_PATIENT_MODULES)
"""Attributes of the patient, which the Studies Service has at its study level."""

STUDY_TAGS: Final = PATIENT_TAGS | _tags_of(_STUDY_MODULES)
"""Attributes of the patient and of the study."""

SERIES_TAGS: Final = _tags_of(_SERIES_MODULES)
"""Attributes of the series."""

EVERY_LEVEL_TAGS: Final = frozenset(
    tag_of(keyword)
    for keyword in ("SpecificCharacterSet", "InstanceAvailability", "TimezoneOffsetFromUTC", "RetrieveURL")
)
"""Attributes without a level of their own: results of every level may carry them."""

PIXEL_TAGS: Final = frozenset(
    tag_of(keyword)
    for keyword in (
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "LossyImageCompression",
        "LossyImageCompressionRatio",
        "LossyImageCompressionMethod",
    )
)
"""Attributes of the instance that say how its pixel data are laid out (PS3.3 C.7.6.3, C.7.6.6, C.7.6.1)."""


def level_of(tag: str) -> Level:
    """Return the level that an attribute belongs to; what no table names belongs to the instance.

    Args:
        tag: eight upper-case hexadecimal digits.

    >>> level_of("00100010"), level_of("00080060"), level_of("00080018")
    (<Level.STUDY: 'study'>, <Level.SERIES: 'series'>, <Level.INSTANCE: 'instance'>)
    """
    if tag in STUDY_TAGS:
        return Level.STUDY
    if tag in SERIES_TAGS:
        return Level.SERIES
    return Level.INSTANCE


class Presence(Enum):
    """When a result carries an attribute (the type column of PS3.18 10.6.3)."""

    UNIQUE = "U"
    """Always, never empty: it identifies the match."""
    REQUIRED = "R"
    """Always; zero-length if unknown."""
    CONDITIONAL = "C"
    """If known."""


@dataclass(frozen=True, slots=True)
class ReturnedAttribute:
    """An attribute that results of a level carry by default; `members` are those of a sequence's items."""

    tag: str
    vr: str
    presence: Presence
    members: tuple[ReturnedAttribute, ...] = ()


def _returned(rows: str, members: Mapping[str, str]) -> tuple[ReturnedAttribute, ...]:
    """Read rows of `Keyword:Presence` into attributes in ascending order."""
    attributes = []
    for row in rows.split():
        keyword, _, presence = row.partition(":")
        tag = tag_of(keyword)
        nested = _returned(members[keyword], {}) if keyword in members else ()
        attributes.append(
            ReturnedAttribute(tag, dictionary_VR(int(tag, 16)), Presence(presence), nested),
        )
    return tuple(sorted(attributes, key=lambda attribute: attribute.tag))


RETURNED_ATTRIBUTES: Final[Mapping[Level, tuple[ReturnedAttribute, ...]]] = {
    Level.STUDY: _returned(
        """
        StudyDate:R StudyTime:R AccessionNumber:R InstanceAvailability:C ModalitiesInStudy:R
        ReferringPhysicianName:R TimezoneOffsetFromUTC:C RetrieveURL:C PatientName:R PatientID:R
        PatientBirthDate:R PatientSex:R StudyInstanceUID:U StudyID:R NumberOfStudyRelatedSeries:R
        NumberOfStudyRelatedInstances:R
        """,
        {},
    ),
    Level.SERIES: _returned(
        """
        Modality:R TimezoneOffsetFromUTC:C SeriesDescription:C RetrieveURL:R SeriesInstanceUID:U
        SeriesNumber:R NumberOfSeriesRelatedInstances:R PerformedProcedureStepStartDate:C
        PerformedProcedureStepStartTime:C RequestAttributesSequence:C
        """,
        {"RequestAttributesSequence": "ScheduledProcedureStepID:R RequestedProcedureID:R"},
    ),
    Level.INSTANCE: _returned(
        """
        SOPClassUID:R SOPInstanceUID:U InstanceAvailability:C TimezoneOffsetFromUTC:C RetrieveURL:R
        InstanceNumber:R Rows:C Columns:C BitsAllocated:C NumberOfFrames:C
        """,
        {},
    ),
}
"""What results carry by default, ascending (PS3.18 Tables 10.6.3-3, -4 and -5)."""


def _paths(rows: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(tag_of(keyword) for keyword in row.split(".")) for row in rows.split())


MATCHING_KEYS: Final[Mapping[Level, frozenset[tuple[str, ...]]]] = {
    Level.STUDY: _paths(
        """
        StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName PatientID
        StudyInstanceUID StudyID
        """,
    ),
    Level.SERIES: _paths(
        """
        Modality SeriesInstanceUID SeriesNumber PerformedProcedureStepStartDate
        PerformedProcedureStepStartTime RequestAttributesSequence.ScheduledProcedureStepID
        RequestAttributesSequence.RequestedProcedureID
        """,
    ),
    Level.INSTANCE: _paths("SOPClassUID SOPInstanceUID InstanceNumber"),
}
"""Paths of the required matching keys of each level (PS3.18 Table 10.6.1-5)."""


def returned_levels(
    level: Level,
    *,
    study_instance_uid: str | None,
    series_instance_uid: str | None,
) -> tuple[Level, ...]:
    """Return the levels whose `RETURNED_ATTRIBUTES` results carry by default, highest first.

    A level that the target resource pins to one study or series is left out.

    Source: PS3.18 10.6.3.3.

    >>> returned_levels(Level.INSTANCE, study_instance_uid="1.2", series_instance_uid=None)
    (<Level.SERIES: 'series'>, <Level.INSTANCE: 'instance'>)
    """
    first = (study_instance_uid is not None) + (series_instance_uid is not None)
    last = LEVELS.index(level)
    return LEVELS[min(first, last) : last + 1]
