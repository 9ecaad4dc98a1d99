from __future__ import annotations

import pytest

from hilum.dicom.building.part10 import make_head
from hilum.dicom.reading.file_meta import read_head
from hilum.dicom.reading.instance import DecodeError


def test_the_head_reads_back() -> None:
    made = make_head("1.2.3", "1.2.4", "1.2.840.10008.1.2.1")

    head = read_head(made)

    assert (head.length, head.transfer_syntax_uid) == (len(made), "1.2.840.10008.1.2.1")
    assert head.rewritten("1.2.840.10008.1.2.1") == made


@pytest.mark.parametrize("uid", ["", "x", "1..2"])
def test_what_is_no_uid_makes_no_head(uid: str) -> None:
    with pytest.raises(DecodeError):
        make_head("1.2", uid, "1.2.840.10008.1.2.1")
