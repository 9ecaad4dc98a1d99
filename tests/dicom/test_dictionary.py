"""VRs from dictionaries."""

from __future__ import annotations

import pytest

from hilum.dicom.dictionary import US_OR_OW, US_OR_SS, creator_tag, vr_of


@pytest.mark.parametrize(
    ("tag", "creator", "vr"),
    [
        (0x00080020, "", "DA"),
        (0x00080000, "", "UL"),
        (0x00090000, "", "UL"),
        (0x00091234, "", "UN"),
        (0x00080F0F, "", "UN"),
        (0x00090010, "", "LO"),
        (0x00090001, "", "UN"),
        (0x60023000, "", "OW"),
        (0x7FE00010, "", "OW"),
        (0x00280106, "", US_OR_SS),
        (0x00283006, "", US_OR_OW),
        (0x00281200, "", "OW"),
        (0x00191012, "GEMS_ACQU_01", "UN"),
    ],
)
def test_vrs_are_looked_up(tag: int, creator: str, vr: str) -> None:
    if creator:
        assert vr_of(tag, creator) != "UN"
        assert vr_of(tag, "Nobody") == vr
    else:
        assert vr_of(tag, creator) == vr


def test_the_creator_of_a_block_stands_at_its_number() -> None:
    assert creator_tag(0x00291199) == 0x00290011
