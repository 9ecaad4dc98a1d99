from __future__ import annotations

import pytest

from hilum.errors import PayloadTooLarge
from hilum.render.documents import documents
from report_objects import content, evidence, make_report, reference, rendering_of


@pytest.mark.requirement("REN-17")
def test_a_report_in_any_script_is_laid_out() -> None:
    texts = ["Grüße", "Привет", "山田太郎", "العربية", "שלום", "ไทย", "\U0010fffd odd", "", "x" * 3000]
    dataset = make_report(
        content("CONTAINER", "Findings", ContentSequence=[content("TEXT", "T", TextValue=text) for text in texts]),
        content("IMAGE", "Image", ReferencedSOPSequence=[reference("1.3")]),
        CurrentRequestedProcedureEvidenceSequence=evidence(("1", "1.2", "1.3")),
    )

    data = documents.render_pdf(rendering_of(dataset, is_stored=lambda _: True))

    assert data.startswith(b"%PDF-1.")
    assert data.rstrip().endswith(b"%%EOF")
    assert b"/studies/1/series/1.2/instances/1.3/rendered" in data


def test_a_report_of_too_many_items_is_refused() -> None:
    item = content("TEXT", "T", TextValue="x")

    with pytest.raises(PayloadTooLarge):
        documents.render_pdf(rendering_of(make_report(*[item] * 5_001)))
