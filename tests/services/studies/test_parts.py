from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hilum.services.studies.parts import Part, cut
from hilum.wire.selection import Offer, Packaging


@given(st.lists(st.binary(max_size=20), max_size=8), st.data())
def test_a_cut_is_a_range_of_the_concatenation(chunks: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(chunks)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))

    pieces = list(cut(iter(chunks), start, stop - start))

    assert b"".join(pieces) == whole[start:stop]
    assert all(pieces)


def test_a_part_that_cannot_be_addressed_is_read_up_to_the_range() -> None:
    offer = Offer(Packaging.SINGLE, "application/octet-stream")
    part = Part(offer, "/x", 10, "1", lambda: iter((b"0123", b"456789")))
    addressed = Part(
        offer, "/x", 10, "1", lambda: iter(()), lambda offset, length: iter((b"%d+%d" % (offset, length),))
    )

    assert b"".join(part.range(3, 4)) == b"3456"
    assert b"".join(addressed.range(3, 4)) == b"3+4"
