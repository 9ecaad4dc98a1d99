from __future__ import annotations

import numpy as np

from hilum.render.waveforms.sheet import trace_of


def test_a_line_is_broken_where_there_is_no_sample() -> None:
    values = np.array([np.nan, 1, 2, np.nan, np.nan, 3, np.nan])

    lines = trace_of(values, np.arange(7.0), values, 0.1)

    assert [line[:, 1].tolist() for line in lines] == [[1, 2], [3]]


def test_many_samples_in_a_step_keep_their_extremes() -> None:
    values = np.zeros(10_000)
    values[1234], values[7777] = 5, -3

    (line,) = trace_of(values, np.linspace(0, 100, 10_000), values, 0.1)

    assert len(line) <= 2_300
    assert (line[:, 1].max(), line[:, 1].min()) == (5, -3)


def test_no_samples_are_no_line() -> None:
    assert trace_of(np.zeros(0), np.zeros(0), np.zeros(0), 0.1) == []
