from __future__ import annotations

import pytest
from pydicom.uid import UID, AllTransferSyntaxes

from hilum.dicom.transfer_syntaxes import (
    ENCAPSULATED_SYNTAXES,
    LOSSLESS_SYNTAXES,
    LOSSY_SYNTAXES,
    NATIVE_SYNTAXES,
    SYNTAXES,
    VIDEO_SYNTAXES,
)


def test_every_syntax_has_one_compression() -> None:
    groups = (NATIVE_SYNTAXES, LOSSLESS_SYNTAXES, LOSSY_SYNTAXES, VIDEO_SYNTAXES)

    assert sum(map(len, groups)) == len(SYNTAXES) == len(frozenset().union(*groups))


def test_the_table_agrees_with_the_dictionary_of_uids() -> None:
    # The dictionary does not know the newest ones yet.
    for uid in SYNTAXES.keys() & set(AllTransferSyntaxes):
        assert UID(uid).is_encapsulated == (uid in ENCAPSULATED_SYNTAXES)


def test_the_table_has_every_syntax_of_images_and_videos_that_is_in_use() -> None:
    referenced = {uid for uid in AllTransferSyntaxes if "Referenced" in uid.name or "SMPTE" in uid.name}
    retired = {uid for uid in AllTransferSyntaxes if uid.is_retired and uid not in SYNTAXES}

    assert set(AllTransferSyntaxes) - referenced - retired - set(SYNTAXES) == set()


@pytest.mark.requirement("MT-20")
@pytest.mark.parametrize(
    ("end", "media_type"),
    [
        ("1", "application/octet-stream"),
        ("1.98", "application/octet-stream"),
        ("4.50", "image/jpeg"),
        ("4.70", "image/jpeg"),
        ("4.80", "image/jls"),
        ("4.90", "image/jp2"),
        ("4.93", "image/jpx"),
        ("4.112", "image/jxl"),
        ("4.203", "image/jphc"),
        ("5", "image/dicom-rle"),
        ("8.1", "application/x-deflate"),
        ("4.101.1", "video/mpeg"),
        ("4.106.1", "video/mp4"),
        ("4.108", "video/H265"),
    ],
)
def test_frames_have_the_media_types_of_the_standard(end: str, media_type: str) -> None:
    assert SYNTAXES[f"1.2.840.10008.1.2.{end}"].media_type == media_type


def test_syntaxes_that_allow_loss_count_as_lossy() -> None:
    assert {f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 81, 91, 93, 111, 112, 203)} == LOSSY_SYNTAXES
