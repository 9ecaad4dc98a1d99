from __future__ import annotations

import pytest

from hilum.archive.negotiation import not_acceptable, preferred_offer, selected_offer
from hilum.errors import InvalidRequest, NotAcceptable
from hilum.wire.selection import Acceptable, Offer, Packaging

OFFERS = (
    Offer(Packaging.SINGLE, "text/html", is_default_type=True),
    Offer(Packaging.SINGLE, "text/plain"),
)


@pytest.mark.requirement("NEG-11", "NEG-15", "NEG-16")
@pytest.mark.parametrize(
    ("accept", "media_type"), [("*/*", "text/html"), ("text/plain", "text/plain"), ("text/*", "text/html")]
)
def test_a_row_of_the_table_is_selected(accept: str, media_type: str) -> None:
    assert selected_offer(OFFERS, Acceptable(accept)).media_type == media_type


@pytest.mark.requirement("NEG-20")
def test_what_cannot_be_had_names_what_can() -> None:
    with pytest.raises(NotAcceptable, match="Available: text/html, text/plain"):
        selected_offer(OFFERS, Acceptable("image/png"))
    assert preferred_offer(OFFERS, Acceptable("image/png")) is None
    assert str(not_acceptable(OFFERS * 2)) == "Available: text/html, text/plain."


@pytest.mark.requirement("NEG-07", "NEG-08")
@pytest.mark.parametrize(("parameter", "header"), [("*/*", "*/*"), ("text/html", "image/png"), ("", "*/*")])
def test_a_wrong_accept_parameter_is_an_invalid_request(parameter: str, header: str) -> None:
    with pytest.raises(InvalidRequest):
        preferred_offer(OFFERS, Acceptable(header, parameter))
