from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archives import stored
from hilum.archive.archive import Archive
from hilum.archive.objects import bulk_values
from hilum.archive.streams import Stream, stream_bytes, stream_of
from hilum.dicom.reading import frames
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance
from samples import encode
from videos import MPEG_4, stream, video


def opened(archive: Archive, fragments: Sequence[bytes]) -> tuple[StoredInstance, Stream]:
    dataset = video(fragments)
    instance = stored(archive, dataset, encode(dataset, MPEG_4))
    values, _ = bulk_values(instance, archive=archive)
    (value,) = (value for value in values if value.path == "7FE00010")
    return instance, stream_of(instance, value, archive=archive)


def read(
    archive: Archive, instance: StoredInstance, found: Stream, offset: int = 0, length: int | None = None
) -> bytes:
    return b"".join(stream_bytes(instance, found, archive=archive, offset=offset, length=length))


@pytest.mark.requirement("MT-21", "MT-23")
@given(st.lists(st.integers(0, 300), min_size=1, max_size=8), st.data())
@settings(max_examples=15)
def test_any_range_of_fragments_is_that_of_their_concatenation(
    shared_archive: Archive, halves: list[int], data: st.DataObject
) -> None:
    fragments = [stream(2 * half, seed) for seed, half in enumerate(halves)]
    whole = b"".join(fragments)
    if not whole:
        with pytest.raises(NotAcceptable):
            opened(shared_archive, fragments)
        return
    instance, found = opened(shared_archive, fragments)

    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))

    assert found.length == len(whole)
    assert read(shared_archive, instance, found) == whole
    assert read(shared_archive, instance, found, start, stop - start) == whole[start:stop]


@pytest.mark.requirement("MT-23")
def test_long_and_short_fragments_make_one_stream(shared_archive: Archive) -> None:
    fragments = [stream(size, size) for size in (200_000, 10, 70_000, 64 * 1024, 65_528, 2, 2, 100_000)]

    instance, found = opened(shared_archive, fragments)

    assert read(shared_archive, instance, found) == b"".join(fragments)
    assert read(shared_archive, instance, found, 199_999, 12) == b"".join(fragments)[199_999:200_011]


@pytest.mark.requirement("MT-23")
def test_a_video_that_no_frame_record_can_hold_is_a_stream(
    shared_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with more than 4 GB in several fragments.
    monkeypatch.setattr(frames, "_MAX_SPAN", 1000)
    fragments = [stream(800, 1), stream(900, 2)]

    instance, found = opened(shared_archive, fragments)

    assert shared_archive.index.frames(instance.instance_id) is None
    assert read(shared_archive, instance, found, 700, 200) == b"".join(fragments)[700:900]
