from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.errors import PayloadTooLarge
from hilum.render.parameters import Annotation
from hilum.render.waveforms.layout import sheets_of
from render_sources import attributes
from report_objects import channel, make_waveform

TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


def steps(channels: int, seconds: float = 10.0, frequency: float = 100.0) -> NDArray[np.int16]:
    """Return signals that are 1 mV in every second half second."""
    time = np.arange(int(seconds * frequency)) / frequency
    return np.repeat((1000 * (time % 1 >= 0.5)).astype(np.int16)[:, None], channels, axis=1)


def test_twelve_leads_stand_in_three_rows_of_four_with_a_rhythm_strip() -> None:
    dataset = make_waveform(steps(12), [channel(f"Lead {name}") for name in TWELVE], 100.0)

    (sheet,) = sheets_of(attributes(dataset), frozenset())

    names = [label.text for label in sheet.labels if label.text in TWELVE]
    assert names == ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]
    assert len(sheet.grids) == 4


def test_a_second_is_25_mm_and_a_millivolt_10_mm() -> None:
    dataset = make_waveform(steps(12), [channel(f"Lead {name}") for name in TWELVE], 100.0)
    (sheet,) = sheets_of(attributes(dataset), frozenset())

    rhythm = max(sheet.traces, key=len)
    pulse = sheet.traces[0]

    assert np.ptp(rhythm[:, 1]) == pytest.approx(10)
    assert np.ptp(rhythm[:, 0]) == pytest.approx(25 * 9.99)
    assert np.ptp(pulse[:, 1]) == pytest.approx(10)
    rises = rhythm[1:][np.diff(rhythm[:, 1]) < -5, 0]
    assert np.diff(rises) == pytest.approx([25] * (len(rises) - 1))


def test_columns_go_on_in_time() -> None:
    samples = steps(12)
    samples[250:, :] = 0
    dataset = make_waveform(samples, [channel(f"Lead {name}") for name in TWELVE], 100.0)

    (sheet,) = sheets_of(attributes(dataset), frozenset())

    first, second = sheet.traces[1], sheet.traces[2]
    assert [np.ptp(first[:, 1]), np.ptp(second[:, 1])] == pytest.approx([10, 0])
    assert second[0, 0] == pytest.approx(first[0, 0] + 62.5)


def test_other_signals_are_scaled_to_their_range() -> None:
    dataset = make_waveform(steps(2), [channel("Aorta", "mm[Hg]"), channel("Respiration", "1")], 100.0)

    (sheet,) = sheets_of(attributes(dataset), frozenset())

    assert (len(sheet.grids), len(sheet.frames)) == (0, 2)
    assert "1000 mm[Hg]" in [label.text for label in sheet.labels]
    assert np.ptp(sheet.traces[0][:, 1]) == pytest.approx(24)


def test_a_long_recording_goes_on_below_and_says_what_is_left_out() -> None:
    dataset = make_waveform(steps(1, 90.0), [channel("Lead II")], 100.0)

    (sheet,) = sheets_of(attributes(dataset), frozenset())

    assert len(sheet.grids) == 6
    assert any("the first 60 s of 90.0 s" in label.text for label in sheet.labels)


@pytest.mark.requirement("REND-10")
def test_the_patient_is_named_only_when_asked_for() -> None:
    dataset = make_waveform(steps(1), [channel("Lead II")], 100.0)

    def texts(annotation: frozenset[Annotation]) -> str:
        return " ".join(label.text for label in sheets_of(attributes(dataset), annotation)[0].labels)

    assert "Doe" not in texts(frozenset())
    assert "Jane Doe  P1" in texts(frozenset({Annotation.PATIENT}))
    assert "2024-01-31" in texts(frozenset({Annotation.TECHNIQUE}))


def test_too_many_channels_are_refused() -> None:
    dataset = make_waveform(steps(300, 0.1), [channel("X", "1") for _ in range(300)], 100.0)

    with pytest.raises(PayloadTooLarge):
        sheets_of(attributes(dataset), frozenset())
