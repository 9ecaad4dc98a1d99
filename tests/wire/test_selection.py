from __future__ import annotations

import pytest

from hilum.wire.selection import Acceptable, Offer, Packaging, select

ELE = "1.2.840.10008.1.2.1"
J2K = "1.2.840.10008.1.2.4.90"

FRAME_OFFERS = (
    Offer(Packaging.MULTIPART, "image/jp2", J2K),
    Offer(Packaging.MULTIPART, "application/octet-stream", J2K, is_default_syntax=False),
    Offer(Packaging.MULTIPART, "application/octet-stream", ELE, is_default_type=True),
    Offer(Packaging.SINGLE, "application/octet-stream", ELE),
)


@pytest.mark.requirement("NEG-06", "NEG-11", "NEG-12", "NEG-15", "NEG-16", "TSX-04", "TSX-05", "TSX-07", "MT-26")
@pytest.mark.parametrize(
    ("accept", "index"),
    [
        ("*/*", 2),
        ('multipart/related; type="application/octet-stream"', 2),
        ("multipart/related; type=application/octet-stream", 2),
        ('multipart/related; type="application/octet-stream"; transfer-syntax=*', 1),
        ('multipart/related; type="application/octet-stream"; transfer-syntax=*; transfer-syntax=*', 1),
        (f'multipart/related; type="application/octet-stream"; transfer-syntax="{ELE}"', 2),
        ('multipart/related; type="*/*"', 2),
        ("multipart/related", 2),
        ('multipart/related; type="image/jp2"', 0),
        ('multipart/related; type="image/*"', 0),
        ('multipart/related; type="image/jls", multipart/related; type="image/jp2";q=0.1', 0),
        ("application/octet-stream", 3),
        ("application/octet-stream;q=0.1, multipart/related;q=0.9", 2),
        ("text/html, */*;q=0.1", 2),
        ('*/*;q=0.5, multipart/related; type="application/octet-stream"; transfer-syntax=*', 1),
        ("image/png", None),
        ("application/octet-stream;q=0", None),
        ("*/*, multipart/related;q=0", None),
        ("", None),
    ],
)
def test_the_header_selects_the_offer(accept: str, index: int | None) -> None:
    selected = select(FRAME_OFFERS, Acceptable(accept))

    assert selected == (None if index is None else FRAME_OFFERS[index])


@pytest.mark.requirement("NEG-01", "NEG-14")
def test_the_parameter_is_asked_before_the_header() -> None:
    acceptable = Acceptable("*/*", "application/octet-stream")

    assert select(FRAME_OFFERS, acceptable) == FRAME_OFFERS[3]


@pytest.mark.requirement("NEG-15")
def test_a_parameter_that_nothing_fits_leaves_the_choice_to_the_header() -> None:
    assert select(FRAME_OFFERS, Acceptable("*/*", "image/png")) == FRAME_OFFERS[2]


@pytest.mark.requirement("NEG-07", "NEG-08")
@pytest.mark.parametrize(("header", "parameter"), [("*/*", "image/*"), ("*/*", "*/*"), ("text/html", "image/jp2")])
def test_a_parameter_with_wildcards_or_outside_the_header_is_wrong(header: str, parameter: str) -> None:
    with pytest.raises(ValueError, match=r"accept"):
        select(FRAME_OFFERS, Acceptable(header, parameter))


@pytest.mark.requirement("NEG-16", "NEG-17")
def test_the_most_specific_range_gives_the_weight() -> None:
    offers = tuple(Offer(Packaging.SINGLE, media_type) for media_type in ("text/html", "text/plain", "image/png"))

    selected = select(offers, Acceptable("text/*;q=0.5, text/html;q=0.4, image/png;q=0.45"))

    assert selected == offers[1]
