from __future__ import annotations

from hilum.render.documents.plain_text import report_text
from hilum.render.documents.report import report_of
from render_sources import attributes
from report_objects import SERVICE, content, evidence, make_report, reference


def test_a_report_reads_as_indented_lines() -> None:
    finding = content(
        "TEXT",
        "Finding",
        TextValue="first\nsecond",
        ContentSequence=[content("IMAGE", "", "INFERRED FROM", ReferencedSOPSequence=[reference("1.3")])],
    )
    data_set = make_report(
        content("CONTAINER", "Findings", ContentSequence=[finding]),
        CurrentRequestedProcedureEvidenceSequence=evidence(("1", "1.2", "1.3")),
    )

    lines = report_text(report_of(attributes(data_set), lambda _: True), SERVICE).splitlines()

    assert lines[:4] == ["Imaging Report", "==============", "", "Patient: Jane Doe"]
    assert lines[-4:] == [
        "Findings",
        "  Finding: first",
        "    second",
        f"    from: CT Image <{SERVICE}/studies/1/series/1.2/instances/1.3/rendered>",
    ]
