from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.render.grayscale.tables import look_up_table
from render_sources import attributes


def item(descriptor: list[int], data: bytes | list[int], vr: str = "OW") -> Dataset:
    made = Dataset()
    made.add_new(0x00283002, "SS" if min(descriptor) < 0 else "US", descriptor)
    made.add_new(0x00283006, vr, data)
    return made


@pytest.mark.requirement("REN-03", "REN-04")
def test_values_outside_have_the_first_or_the_last_entry() -> None:
    table = look_up_table(
        attributes(item([3, 10, 16], np.array([100, 40000, 65535], "<u2").tobytes())), signed_input=False
    )

    assert table is not None
    assert table.of(np.array([-5.0, 10.0, 11.0, 12.0, 99.0])).tolist() == [100, 100, 40000, 65535, 65535]
    assert table.top == 65535


@pytest.mark.requirement("REN-04")
@pytest.mark.parametrize("first", [-2, 65534])
def test_the_first_value_mapped_is_signed_where_its_input_is(first: int) -> None:
    table = look_up_table(attributes(item([4, first, 8], [0, 50, 100, 200], "US")), signed_input=True)

    assert table is not None
    assert table.first == -2
    assert table.of(np.array([-2.0, -1.0, 0.0, 1.0])).tolist() == [0, 50, 100, 200]


def test_two_entries_of_eight_bits_may_be_packed_in_a_word() -> None:
    table = look_up_table(attributes(item([4, 0, 8], bytes((1, 2, 3, 200)))), signed_input=False)

    assert table is not None
    assert table.entries.tolist() == [1, 2, 3, 200]


def test_zero_entries_mean_65536() -> None:
    table = look_up_table(attributes(item([0, 0, 16], np.arange(65536, dtype="<u2").tobytes())), signed_input=False)

    assert table is not None
    assert len(table.entries) == 65536


@pytest.mark.requirement("REN-04")
def test_a_table_that_fills_fewer_bits_than_it_says_has_the_power_of_two_that_covers_it() -> None:
    table = look_up_table(attributes(item([2, 0, 16], np.array([0, 4095], "<u2").tobytes())), signed_input=False)

    assert table is not None
    assert table.top == 4095


@pytest.mark.parametrize("broken", [item([3, 10], b"\0\0"), item([3, 10, 16], b""), Dataset()])
def test_an_unusable_table_is_none(broken: Dataset) -> None:
    assert look_up_table(attributes(broken), signed_input=False) is None
