from __future__ import annotations

import numpy as np
import pytest

from hilum.errors import NotAcceptable
from hilum.render.waveforms.channels import channel_name, groups_of
from render_sources import attributes
from report_objects import channel, make_waveform

SAMPLES = np.array([[0, 1], [1000, -1], [-32768, 5]], np.int16)


def test_samples_become_values_in_their_unit() -> None:
    lead = channel("Lead II", ChannelSensitivity="2.5", ChannelSensitivityCorrectionFactor="2", ChannelBaseline="10")
    lead.ChannelSensitivityUnitsSequence[0].CodeValue = "uV"
    (group,) = groups_of(attributes(make_waveform(SAMPLES, [lead, channel("Pressure", "mm[Hg]")], 500.0)))

    first, second = group.channels

    assert (first.name, first.unit) == ("II", "uV")
    assert first.values.tolist() == [10, 5010, -163830]
    millivolts = first.millivolts()
    assert millivolts is not None
    assert millivolts[1] == pytest.approx(5.01)
    assert second.millivolts() is None
    assert group.duration_s == pytest.approx(3 / 500)


def test_padding_is_no_sample() -> None:
    dataset = make_waveform(SAMPLES, [channel("I"), channel("II")], 100.0)
    dataset.WaveformSequence[0].add_new(0x5400100A, "OW", b"\x00\x80")

    (group,) = groups_of(attributes(dataset))

    assert np.isnan(group.channels[0].values[2])
    assert group.channels[1].values[2] == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("interpretation", "code", "value"),
    [("MB", 0x80, 8031), ("MB", 0x00, -8031), ("MB", 0xFF, 0), ("AB", 0xD5, 1), ("AB", 0x55, -1), ("AB", 0xAA, 4032)],
)
def test_companded_sound_is_made_linear(interpretation: str, code: int, value: int) -> None:
    dataset = make_waveform(SAMPLES, [channel("Sound", "1")], 8000.0, WaveformBitsAllocated=8)
    group = dataset.WaveformSequence[0]
    group.WaveformSampleInterpretation, group.NumberOfWaveformSamples = interpretation, 1
    group.add_new(0x54001010, "OB", bytes([code, 0]))

    assert groups_of(attributes(dataset))[0].channels[0].values.tolist() == [value]


@pytest.mark.parametrize(
    "values",
    [
        {"SamplingFrequency": "0"},
        {"NumberOfWaveformChannels": 0},
        {"NumberOfWaveformChannels": 5},
        {"WaveformSampleInterpretation": "XX"},
        {"NumberOfWaveformSamples": 0},
    ],
)
def test_what_cannot_be_read_is_not_acceptable(values: dict[str, object]) -> None:
    with pytest.raises(NotAcceptable):
        groups_of(attributes(make_waveform(SAMPLES, [channel("I"), channel("II")], 100.0, **values)))


def test_a_group_that_is_cut_short_shows_what_is_there() -> None:
    dataset = make_waveform(SAMPLES, [channel("I"), channel("II")], 100.0, NumberOfWaveformSamples=1000)

    assert len(groups_of(attributes(dataset))[0].channels[0].values) == 3


@pytest.mark.parametrize(
    ("meaning", "name"),
    [("Lead aVR (Goldberger)", "aVR"), ("Lead V6", "V6"), ("III", "III"), ("Artery I pressure", "Artery I pressure")],
)
def test_leads_have_their_usual_names(meaning: str, name: str) -> None:
    assert channel_name(attributes(channel(meaning))) == name


def test_filters_are_told() -> None:
    lead = channel("I", FilterLowFrequency="0.05", FilterHighFrequency="150", NotchFilterFrequency="50")
    (group,) = groups_of(attributes(make_waveform(SAMPLES[:, :1], [lead], 100.0)))

    assert group.channels[0].filters == "0.05-150 Hz, notch 50 Hz"
