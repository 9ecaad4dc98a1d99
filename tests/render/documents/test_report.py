from __future__ import annotations

import pytest

from hilum.errors import PayloadTooLarge
from hilum.render.documents.report import Report, report_of, stored_references
from render_sources import attributes
from report_objects import code, content, evidence, make_report, number, reference


def read(*items: object, **values: object) -> Report:
    return report_of(attributes(make_report(*items, **values)), lambda _: True)  # type: ignore[arg-type] # items are data sets


@pytest.mark.requirement("REN-17")
def test_each_value_type_has_its_value() -> None:
    report = read(
        content("TEXT", "Finding", TextValue="A mass"),
        content("CODE", "Procedure", ConceptCodeSequence=[code("P", "CT of chest")]),
        content("NUM", "Diameter", MeasuredValueSequence=[number("3.5", "mm", "millimeter")]),
        content("NUM", "Count", MeasuredValueSequence=[number("2", "1", "no units")]),
        content("NUM", "Lost", NumericValueQualifierCodeSequence=[code("114006", "Measurement failure")]),
        content("DATE", "Day", Date="20240131"),
        content("TIME", "Time", Time="101112"),
        content("DATETIME", "Moment", DateTime="20240131101112+0100"),
        content("PNAME", "Observer", PersonName="Doe^John^^Dr"),
        content("UIDREF", "UID", UID="1.2.3"),
        content("SCOORD", "Where", GraphicType="CIRCLE", GraphicData=[1.0, 2.0, 3.5, 4.0]),
        content(
            "SCOORD3D", "Place", GraphicType="POINT", GraphicData=[1.0, 2.0, 3.0], ReferencedFrameOfReferenceUID="1"
        ),
        content("TCOORD", "When", TemporalRangeType="POINT", ReferencedTimeOffsets=["1.5"]),
    )

    assert [[piece.text for piece in item.value] for item in report.root.children] == [
        ["A mass"],
        ["CT of chest"],
        ["3.5 millimeter"],
        ["2"],
        ["Measurement failure"],
        ["2024-01-31"],
        ["10:11:12"],
        ["2024-01-31 10:11:12 +01:00"],
        ["Dr John Doe"],
        ["1.2.3"],
        ["CIRCLE (1, 2) (3.5, 4)"],
        ["POINT (1, 2, 3)"],
        ["POINT", "s 1.5"],
    ]


@pytest.mark.requirement("REN-17")
def test_references_lead_to_what_is_stored_and_to_nothing_else() -> None:
    items = [
        content("IMAGE", "Here", ReferencedSOPSequence=[reference("1.3", ReferencedFrameNumber=[2, 5])]),
        content("IMAGE", "Elsewhere", ReferencedSOPSequence=[reference("1.9")]),
        content("WAVEFORM", "Curve", ReferencedSOPSequence=[reference("1.4")]),
    ]
    data_set = make_report(
        *items, CurrentRequestedProcedureEvidenceSequence=evidence(("1", "1.2", "1.3"), ("1", "1.2", "1.4"))
    )

    report = report_of(attributes(data_set), lambda target: target.sop_instance_uid != "1.9")

    here, elsewhere, curve = (item.value for item in report.root.children)
    place = "/studies/1/series/1.2/instances/1.3/frames"
    assert [piece.path for piece in here] == [f"{place}/2/rendered", f"{place}/5/rendered"]
    assert here[0].thumbnail == f"{place}/2/thumbnail"
    assert [(piece.text, piece.path) for piece in elsewhere] == [("CT Image 1.9", "")]
    assert (curve[0].path, curve[0].thumbnail) == ("/studies/1/series/1.2/instances/1.4/rendered", "")


def test_a_reference_by_position_is_an_anchor() -> None:
    report = read(content("", relationship="INFERRED FROM", ReferencedContentItemIdentifier=[1, 2, 1]))

    assert report.root.children[0].value[0].anchor == "1.2.1"


def test_the_language_of_a_document_is_told() -> None:
    language = content("CODE", "Language", "HAS CONCEPT MOD", ConceptCodeSequence=[code("de-AT", "German", "RFC5646")])
    language.ConceptNameCodeSequence[0].CodeValue = "121049"

    assert read(language).language == "de-AT"


def test_what_a_report_depends_on_changes_with_what_is_stored() -> None:
    data_set = attributes(make_report(CurrentRequestedProcedureEvidenceSequence=evidence(("1", "1.2", "1.3"))))

    assert stored_references(data_set, lambda _: True) != stored_references(data_set, lambda _: False)


def test_a_report_of_too_many_items_is_refused() -> None:
    many = {"0040A730": {"vr": "SQ", "Value": [{}] * 50_001}, "0040A040": {"vr": "CS", "Value": ["CONTAINER"]}}

    with pytest.raises(PayloadTooLarge):
        report_of(attributes(make_report()).item_of(many), lambda _: False)
