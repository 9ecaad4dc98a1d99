"""Waveform samples as values in their units (PS3.3 C.10.9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.attributes import Attributes

_MOST_GROUPS: Final = 32
_MOST_CHANNELS: Final = 512
_LEAD: Final = re.compile(r"\b(aVR|aVL|aVF|V[1-9]R?|III|II|I)\b", re.IGNORECASE)
_PLAIN_LEADS: Final = {name.upper(): name for name in ("aVR", "aVL", "aVF")}
_WORDS: Final[Mapping[str, str]] = {
    "SB": "<i1",
    "UB": "<u1",
    "MB": "<u1",
    "AB": "<u1",
    "SS": "<i2",
    "US": "<u2",
    "SL": "<i4",
    "UL": "<u4",
    "SV": "<i8",
    "UV": "<u8",
}
_BY_BITS: Final = {8: "SB", 16: "SS", 32: "SL", 64: "SV"}


@dataclass(frozen=True, slots=True)
class Channel:
    """One signal."""

    name: str
    unit: str
    """UCUM code, '' where the values have none."""
    values: NDArray[np.float64]
    """In `unit`; NaN where there is no sample."""
    skew_s: float = 0.0
    """How much later than the first channel it was sampled."""
    filters: str = ""
    """Such as `0.05-150 Hz, notch 50 Hz`."""

    def millivolts(self) -> NDArray[np.float64] | None:
        """Return the values in mV; None if they are no voltages."""
        factor = _MILLIVOLTS.get(self.unit)
        return None if factor is None else self.values * factor


_MILLIVOLTS: Final = {"mV": 1.0, "uV": 1e-3, "µV": 1e-3, "V": 1e3, "nV": 1e-6}


@dataclass(frozen=True, slots=True)
class Group:
    """Signals that were sampled together (a multiplex group)."""

    label: str
    frequency_hz: float
    channels: tuple[Channel, ...]

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return max((len(channel.values) for channel in self.channels), default=0) / self.frequency_hz


def groups_of(attributes: Attributes) -> tuple[Group, ...]:
    """Return the multiplex groups of a waveform object.

    Raises:
        NotAcceptable: none of them can be read.
        PayloadTooLarge: there are more groups or channels than are shown.
    """
    items = attributes.items("WaveformSequence")
    if len(items) > _MOST_GROUPS:
        raise PayloadTooLarge(f"Waveforms of more than {_MOST_GROUPS} multiplex groups are not rendered.")
    groups = tuple(group for number, item in enumerate(items, 1) for group in _group(item, number))
    if not groups:
        raise NotAcceptable("The instance has no waveform that can be shown.")
    return groups


def _group(item: Attributes, number: int) -> Iterator[Group]:
    definitions = item.items("ChannelDefinitionSequence")
    count = item.integer("NumberOfWaveformChannels", len(definitions))
    frequency = item.number("SamplingFrequency") or 0.0
    if not 0 < frequency <= 1e9 or not 0 < count <= len(definitions):
        return
    if count > _MOST_CHANNELS:
        raise PayloadTooLarge(f"Waveforms of more than {_MOST_CHANNELS} channels are not rendered.")
    samples = _samples(item, count)
    if samples is None:
        return
    label = item.text("MultiplexGroupLabel") or f"Group {number}"
    yield Group(
        label,
        frequency,
        tuple(
            _channel(definition, samples[:, index], frequency) for index, definition in enumerate(definitions[:count])
        ),
    )


def _samples(item: Attributes, channels: int) -> NDArray[np.float64] | None:
    """Return samples, shape (samples, channels), NaN for padding; None if the encoding is unknown."""
    interpretation = item.text("WaveformSampleInterpretation")
    interpretation = interpretation or _BY_BITS.get(item.integer("WaveformBitsAllocated"), "")
    word = _WORDS.get(interpretation)
    if word is None:
        return None
    data, size = item.octets("WaveformData"), np.dtype(word).itemsize
    count = min(len(data) // (size * channels), max(0, item.integer("NumberOfWaveformSamples", 2**31)))
    if not count:
        return None
    raw = np.frombuffer(data, word, count=count * channels).reshape(count, channels)
    expand = _EXPANDED.get(interpretation)
    values = expand(raw) if expand else raw.astype(np.float64)
    padding = item.octets("WaveformPaddingValue")
    if len(padding) >= size:
        values[raw == np.frombuffer(padding, word, count=1)[0]] = np.nan
    return values


def _mu_law(raw: NDArray[Any]) -> NDArray[np.float64]:
    """Return linear values of 14 bits (ITU-T G.711)."""
    code = ~raw.astype(np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 1) + 33 << ((code >> 4) & 7)) - 33
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float64)


def _a_law(raw: NDArray[Any]) -> NDArray[np.float64]:
    """Return linear values of 13 bits (ITU-T G.711)."""
    code = raw.astype(np.int32) ^ 0x55
    segment, mantissa = (code >> 4) & 7, ((code & 0x0F) << 1) + 1
    magnitude = np.where(segment == 0, mantissa, (mantissa + 32) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.float64)


_EXPANDED: Final[Mapping[str, Callable[[NDArray[Any]], NDArray[np.float64]]]] = {"MB": _mu_law, "AB": _a_law}


def _channel(definition: Attributes, samples: NDArray[np.float64], frequency_hz: float) -> Channel:
    sensitivity, unit = definition.number("ChannelSensitivity"), ""
    if sensitivity is not None:
        correction = definition.number("ChannelSensitivityCorrectionFactor")
        baseline = definition.number("ChannelBaseline") or 0.0
        samples = samples * (sensitivity * (1.0 if correction is None else correction)) + baseline
        code = definition.first_item("ChannelSensitivityUnitsSequence")
        unit = code.text("CodeValue") if code is not None else ""
    skew = definition.number("ChannelTimeSkew")
    if skew is None:
        skew = (definition.number("ChannelSampleSkew") or 0.0) / frequency_hz
    return Channel(channel_name(definition), unit, samples, skew, _filters(definition))


def channel_name(definition: Attributes) -> str:
    """Return the usual name of a lead, else what the object calls the channel."""
    source = definition.first_item("ChannelSourceSequence")
    meaning = source.text("CodeMeaning") if source is not None else ""
    label = definition.text("ChannelLabel")
    lead = _LEAD.search(meaning) if meaning else _LEAD.fullmatch(label)
    if lead is not None and (not meaning or "lead" in meaning.lower() or _LEAD.fullmatch(meaning)):
        name = lead[1].upper()
        return _PLAIN_LEADS.get(name, name)
    return label or meaning or "Channel"


def _filters(definition: Attributes) -> str:
    low, high, notch = (
        definition.number(name) for name in ("FilterLowFrequency", "FilterHighFrequency", "NotchFilterFrequency")
    )
    band = f"{low:g}-{high:g} Hz" if low is not None and high is not None else ""
    band = band or (f"from {low:g} Hz" if low is not None else "") or (f"to {high:g} Hz" if high is not None else "")
    return ", ".join(part for part in (band, f"notch {notch:g} Hz" if notch else "") if part)
