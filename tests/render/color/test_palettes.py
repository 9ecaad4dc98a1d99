from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from hilum.render.color.palettes import HEAT, expand_segments, palette_of
from render_sources import attributes

CHANNELS = ("Red", "Green", "Blue")


def made(descriptor: list[int], tables: list[list[int]], word: str = "<u2", *, segmented: bool = False) -> Dataset:
    dataset = Dataset()
    for channel, entries in zip(CHANNELS, tables, strict=True):
        setattr(dataset, f"{channel}PaletteColorLookupTableDescriptor", descriptor)
        name = f"{'Segmented' if segmented else ''}{channel}PaletteColorLookupTableData"
        setattr(dataset, name, np.array(entries, word).tobytes())
    return dataset


def colors(dataset: Dataset, values: list[int]) -> list[list[int]]:
    palette = palette_of(attributes(dataset), signed_input=False)
    assert palette is not None
    return palette.of(np.array(values)).tolist()  # type: ignore[no-any-return]


@pytest.mark.requirement("REN-06")
def test_sixteen_bits_give_their_upper_eight() -> None:
    dataset = made([2, 10, 16], [[0x1200, 0xFF00], [0x3400, 0], [0x5600, 0x8000]])

    assert colors(dataset, [0, 10, 11, 99]) == [[0x12, 0x34, 0x56]] * 2 + [[255, 0, 128]] * 2


@pytest.mark.requirement("REN-06")
@pytest.mark.parametrize("word", ["<u1", "<u2"])
def test_eight_bits_may_come_in_bytes_or_in_words(word: str) -> None:
    dataset = made([4, 0, 8], [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]], word)

    assert colors(dataset, [0, 3]) == [[1, 5, 9], [4, 8, 12]]


@pytest.mark.requirement("REN-06")
def test_segments_are_expanded() -> None:
    discrete_and_ramp = [0, 2, 0, 0x1000, 1, 3, 0x4000]
    dataset = made([5, 0, 16], [discrete_and_ramp] * 3, segmented=True)

    assert [color[0] for color in colors(dataset, [0, 1, 2, 3, 4])] == [0, 0x10, 0x20, 0x30, 0x40]


@pytest.mark.requirement("REN-06")
def test_an_indirect_segment_repeats_earlier_ones() -> None:
    words = np.array([0, 2, 300, 20, 1, 2, 40, 2, 2, 0, 0], np.uint16)

    assert expand_segments(words, 16).tolist() == [300, 20, 30, 40, 300, 20, 30, 40]


@given(st.lists(st.integers(0, 65535), max_size=40), st.integers(1, 300))
def test_hostile_segments_end_and_stay_within_their_count(words: list[int], count: int) -> None:
    assert len(expand_segments(np.array(words, np.uint16), count)) <= count


def test_a_palette_without_a_channel_is_none() -> None:
    dataset = made([2, 0, 8], [[1, 2]] * 3)
    del dataset.BluePaletteColorLookupTableData

    assert palette_of(attributes(dataset), signed_input=False) is None


def test_the_default_map_gets_lighter_with_every_value() -> None:
    lightness = HEAT.colors.astype(float) @ [0.2126, 0.7152, 0.0722]

    assert (np.diff(lightness) > -0.5).all()
    assert lightness[-1] > 245
