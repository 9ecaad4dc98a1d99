"""What the attributes of a workitem owe when it is created, updated, ended and searched (PS3.4 Table CC.2.5-3).

The table is the whole knowledge; `checks` applies it. A path is keywords with dots between sequence levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from hilum.dicom.levels import tag_of


class Need(Enum):
    """What a request must say of an attribute."""

    VALUE = "1"
    """Present, with a value."""
    PRESENT = "2"
    """Present, perhaps empty."""
    EMPTY = "2 empty"
    """Present and empty; the server adds it otherwise."""
    VALUE_IF_ANY = "3/1"
    """May be absent; if it is present it has a value."""
    OPTIONAL = "3"
    FORBIDDEN = "no"
    SERVER = "-/1"
    """The server's own; what a request says of it is passed over."""


class FinalNeed(Enum):
    """Final state codes (UPSA-01)."""

    BOTH = "R"
    COMPLETED = "P"
    CANCELED = "X"
    PRESENT_COMPLETED = "P, present"
    """Needed for COMPLETED, but may have no item."""
    FREE = "O"


class Requirement(NamedTuple):
    """One row: what N-CREATE and N-SET must say of an attribute, and its final state code."""

    path: str
    create: Need
    update: Need
    final: FinalNeed = FinalNeed.FREE
    is_returned: bool = False
    """Searches return it unasked."""


_V, _P, _E, _A, _O = Need.VALUE, Need.PRESENT, Need.EMPTY, Need.VALUE_IF_ANY, Need.OPTIONAL
_NO, _S = Need.FORBIDDEN, Need.SERVER

_PROGRESS: Final = "ProcedureStepProgressInformationSequence"
_PERFORMED: Final = "UnifiedProcedureStepPerformedProcedureSequence"
_PERFORMERS: Final = "ScheduledHumanPerformersSequence"
_REQUEST: Final = "ReferencedRequestSequence"
_OTHER_IDS: Final = "OtherPatientIDsSequence"

REQUIREMENTS: Final = (
    Requirement("TransactionUID", _E, _O),
    Requirement("SpecificCharacterSet", _O, _O, is_returned=True),
    Requirement("SOPClassUID", _S, _NO, FinalNeed.BOTH, is_returned=True),
    Requirement("SOPInstanceUID", _S, _NO, FinalNeed.BOTH, is_returned=True),
    Requirement("ScheduledProcedureStepPriority", _V, _A, FinalNeed.BOTH, is_returned=True),
    Requirement("ScheduledProcedureStepModificationDateTime", _S, _S, FinalNeed.BOTH, is_returned=True),
    Requirement("ProcedureStepLabel", _V, _A, is_returned=True),
    Requirement("WorklistLabel", _P, _A, is_returned=True),
    Requirement("ScheduledProcessingParametersSequence", _P, _O, is_returned=True),
    Requirement("ScheduledStationNameCodeSequence", _P, _O, is_returned=True),
    Requirement("ScheduledStationClassCodeSequence", _P, _O, is_returned=True),
    Requirement("ScheduledStationGeographicLocationCodeSequence", _P, _O, is_returned=True),
    Requirement(_PERFORMERS, _O, _O, is_returned=True),
    Requirement(f"{_PERFORMERS}.HumanPerformerCodeSequence", _V, _V),
    Requirement(f"{_PERFORMERS}.HumanPerformerName", _V, _V),
    Requirement(f"{_PERFORMERS}.HumanPerformerOrganization", _V, _V),
    Requirement("ScheduledProcedureStepStartDateTime", _V, _A, FinalNeed.BOTH, is_returned=True),
    Requirement("ExpectedCompletionDateTime", _A, _A, is_returned=True),
    Requirement("ScheduledProcedureStepExpirationDateTime", _O, _O, is_returned=True),
    Requirement("ScheduledWorkitemCodeSequence", _P, _A, is_returned=True),
    Requirement("CommentsOnTheScheduledProcedureStep", _P, _A, is_returned=True),
    Requirement("InputReadinessState", _V, _A, FinalNeed.BOTH, is_returned=True),
    Requirement("InputInformationSequence", _P, _O, is_returned=True),
    Requirement("StudyInstanceUID", _O, _O, is_returned=True),
    Requirement("OutputDestinationSequence", _O, _O, is_returned=True),
    Requirement("PatientName", _P, _NO, is_returned=True),
    Requirement("PatientID", _P, _NO, is_returned=True),
    Requirement("IssuerOfPatientID", _P, _NO, is_returned=True),
    Requirement("IssuerOfPatientIDQualifiersSequence", _P, _NO, is_returned=True),
    Requirement(_OTHER_IDS, _P, _O, is_returned=True),
    Requirement(f"{_OTHER_IDS}.PatientID", _V, _V),
    Requirement("PatientBirthDate", _P, _NO, is_returned=True),
    Requirement("PatientSex", _P, _NO, is_returned=True),
    Requirement("AdmissionID", _P, _NO, is_returned=True),
    Requirement("IssuerOfAdmissionIDSequence", _P, _NO, is_returned=True),
    Requirement("AdmittingDiagnosesDescription", _P, _NO, is_returned=True),
    Requirement("AdmittingDiagnosesCodeSequence", _P, _NO, is_returned=True),
    Requirement(_REQUEST, _P, _NO, is_returned=True),
    Requirement(f"{_REQUEST}.StudyInstanceUID", _V, _NO),
    Requirement(f"{_REQUEST}.AccessionNumber", _P, _NO),
    Requirement(f"{_REQUEST}.IssuerOfAccessionNumberSequence", _P, _NO),
    Requirement(f"{_REQUEST}.PlacerOrderNumberImagingServiceRequest", _A, _NO),
    Requirement(f"{_REQUEST}.FillerOrderNumberImagingServiceRequest", _A, _NO),
    Requirement(f"{_REQUEST}.OrderPlacerIdentifierSequence", _P, _NO),
    Requirement(f"{_REQUEST}.OrderFillerIdentifierSequence", _P, _NO),
    Requirement(f"{_REQUEST}.RequestedProcedureID", _P, _NO),
    Requirement(f"{_REQUEST}.RequestedProcedureDescription", _P, _NO),
    Requirement(f"{_REQUEST}.RequestedProcedureCodeSequence", _P, _NO),
    Requirement(f"{_REQUEST}.RequestingService", _A, _NO),
    Requirement("ReplacedProcedureStepSequence", _A, _NO, is_returned=True),
    Requirement("MedicalAlerts", _O, _O, is_returned=True),
    Requirement("PregnancyStatus", _O, _O, is_returned=True),
    Requirement("SpecialNeeds", _O, _O, is_returned=True),
    Requirement("ProcedureStepState", _V, _NO, FinalNeed.BOTH, is_returned=True),
    Requirement(_PROGRESS, _E, _O, is_returned=True),
    Requirement(f"{_PROGRESS}.ProcedureStepProgress", _NO, _A),
    Requirement(f"{_PROGRESS}.ProcedureStepProgressDescription", _NO, _A),
    Requirement(f"{_PROGRESS}.ProcedureStepCommunicationsURISequence", _NO, _A),
    Requirement(f"{_PROGRESS}.ProcedureStepCommunicationsURISequence.ContactURI", _NO, _V),
    Requirement(f"{_PROGRESS}.ProcedureStepCancellationDateTime", _NO, _A, FinalNeed.CANCELED),
    Requirement(f"{_PROGRESS}.ReasonForCancellation", _NO, _A),
    Requirement(f"{_PROGRESS}.ProcedureStepDiscontinuationReasonCodeSequence", _NO, _A, FinalNeed.CANCELED),
    Requirement(_PERFORMED, _E, _O),
    Requirement(f"{_PERFORMED}.ActualHumanPerformersSequence", _NO, _A),
    Requirement(f"{_PERFORMED}.ActualHumanPerformersSequence.HumanPerformerCodeSequence", _NO, _A),
    Requirement(f"{_PERFORMED}.ActualHumanPerformersSequence.HumanPerformerName", _NO, _A),
    Requirement(f"{_PERFORMED}.ActualHumanPerformersSequence.HumanPerformerOrganization", _NO, _A),
    Requirement(f"{_PERFORMED}.PerformedStationNameCodeSequence", _NO, _O, FinalNeed.COMPLETED),
    Requirement(f"{_PERFORMED}.PerformedProcedureStepStartDateTime", _NO, _A, FinalNeed.COMPLETED),
    Requirement(f"{_PERFORMED}.PerformedProcedureStepDescription", _NO, _A),
    Requirement(f"{_PERFORMED}.CommentsOnThePerformedProcedureStep", _NO, _A),
    Requirement(f"{_PERFORMED}.PerformedWorkitemCodeSequence", _NO, _A, FinalNeed.COMPLETED),
    Requirement(f"{_PERFORMED}.PerformedProcessingParametersSequence", _NO, _A),
    Requirement(f"{_PERFORMED}.PerformedProcedureStepEndDateTime", _NO, _A, FinalNeed.COMPLETED),
    Requirement(f"{_PERFORMED}.OutputInformationSequence", _NO, _O, FinalNeed.PRESENT_COMPLETED),
)
"""UPSA-10 to UPSA-81; all other attributes are optional (UPSA-82).

Searches also return the Expiration DateTime, Comments and Output Destination Sequence (return key 3), which worklists
show. Output Information (2/2) may be left out until the workitem is completed: performers report what they did bit by
bit. Conditions that only the requester knows (types 1C and 2C) are not held against it.
"""

ENUMERATED: Final[Mapping[str, frozenset[str]]] = {
    tag_of("ScheduledProcedureStepPriority"): frozenset({"HIGH", "MEDIUM", "LOW"}),
    tag_of("InputReadinessState"): frozenset({"INCOMPLETE", "UNAVAILABLE", "READY"}),
}
"""Attributes with enumerated values (UPSA-20, UPSA-36)."""

CODE_SEQUENCES: Final = frozenset(
    tag_of(keyword)
    for keyword in (
        "ScheduledStationNameCodeSequence",
        "ScheduledStationClassCodeSequence",
        "ScheduledStationGeographicLocationCodeSequence",
        "HumanPerformerCodeSequence",
        "ScheduledWorkitemCodeSequence",
        "RequestedProcedureCodeSequence",
        "AdmittingDiagnosesCodeSequence",
        "ProcedureStepDiscontinuationReasonCodeSequence",
        "PerformedStationNameCodeSequence",
        "PerformedStationClassCodeSequence",
        "PerformedStationGeographicLocationCodeSequence",
        "PerformedWorkitemCodeSequence",
    )
)
"""Sequences whose items are codes (UPSA-93)."""


def _tags(path: str) -> tuple[str, ...]:
    return tuple(tag_of(keyword) for keyword in path.split("."))


BY_PARENT: Final[Mapping[tuple[str, ...], tuple[tuple[str, Requirement], ...]]] = {
    parent: tuple((_tags(row.path)[-1], row) for row in REQUIREMENTS if _tags(row.path)[:-1] == parent)
    for parent in dict.fromkeys(_tags(row.path)[:-1] for row in REQUIREMENTS)
}
"""Rows by the sequences that they lie in; () for the top."""

RETURNED: Final = frozenset(tag_of(row.path) for row in REQUIREMENTS if row.is_returned)
"""Tags that searches return for each workitem (UPS-72)."""
