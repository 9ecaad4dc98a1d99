"""Multiplex groups laid out on sheets.

Voltages of the body stand on the grid of electrocardiographs, 25 mm/s and 10 mm/mV, each row behind a calibration pulse
of 1 mV; all twelve leads in three rows of four, with lead II as a rhythm strip below. Other signals stand one under
the other, each scaled to its own range, over an axis of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.errors import PayloadTooLarge
from hilum.render.attributes import Attributes
from hilum.render.documents.values import day, moment, person_name
from hilum.render.parameters import Annotation
from hilum.render.waveforms.channels import Channel, Group, groups_of
from hilum.render.waveforms.sheet import Box, Label, Points, Sheet, trace_of

SPEED: Final = 25.0
"""Millimetres a second."""
GAIN: Final = 10.0
"""Millimetres a millivolt."""

_MARGIN: Final = 8.0
_PULSE: Final = 12.0
"""Width of what stands before the signal: the pulse, with 5 mm at its top."""
_WIDTH: Final = 250.0
_ROW: Final = 30.0
_PLAIN_ROW: Final = 24.0
_LINE: Final = 4.5
_STEP: Final = 0.1
_LARGEST: Final = 40.0
"""Beyond so many mm from its line a trace is cut."""
_MOST_ROWS: Final = 200
_MOST_SYSTEMS: Final = 6
_MOST_STATEMENTS: Final = 24
_TWELVE: Final = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_LEADS: Final = frozenset(name for row in _TWELVE for name in row)
_RHYTHM: Final = "II"


def sheets_of(attributes: Attributes, annotation: frozenset[Annotation]) -> tuple[Sheet, ...]:
    """Return one sheet for each multiplex group.

    Args:
        attributes: of the instance.
        annotation: what is written above: who it is, and how it was recorded.

    Raises:
        NotAcceptable: there is nothing to show.
        PayloadTooLarge: there is too much to show.
    """
    groups = groups_of(attributes)
    head = [*_identity(attributes, annotation), *_statements(attributes)]
    return tuple(_Layout(group, head if number == 0 else []).sheet() for number, group in enumerate(groups))


def _identity(attributes: Attributes, annotation: frozenset[Annotation]) -> Iterator[str]:
    if Annotation.PATIENT in annotation:
        name = person_name(next(iter(attributes.values("PatientName")), ""))
        parts = (
            name,
            attributes.text("PatientID"),
            day(attributes.text("PatientBirthDate")),
            attributes.text("PatientSex"),
        )
        yield "  ".join(part for part in parts if part)
    if Annotation.TECHNIQUE in annotation:
        when = moment(attributes.text("AcquisitionDateTime")) or day(attributes.text("StudyDate"))
        parts = (
            attributes.text("InstitutionName"),
            when,
            attributes.text("Manufacturer"),
            attributes.text("StudyDescription"),
        )
        yield "  ".join(part for part in parts if part)


def _statements(attributes: Attributes) -> list[str]:
    """Return what the object says of its signals in words and numbers, several to a line."""
    found = []
    for item in attributes.items("WaveformAnnotationSequence"):
        name = item.first_item("ConceptNameCodeSequence")
        number, unit = item.text("NumericValue"), item.first_item("MeasurementUnitsCodeSequence")
        text = item.text("UnformattedTextValue")
        if name is not None and number and "ReferencedSamplePositions" not in item:
            text = f"{name.text('CodeMeaning')}: {number} {unit.text('CodeValue') if unit else ''}".strip()
        if text and "ReferencedSamplePositions" not in item:
            found.append(text)
    shown = [text[:100] for text in dict.fromkeys(found)][:_MOST_STATEMENTS]
    return ["   ".join(shown[start : start + 3]) for start in range(0, len(shown), 3)]


class _Layout:
    """Gathers what stands on one sheet, from top to bottom."""

    def __init__(self, group: Group, head: Sequence[str]) -> None:
        self._group = group
        self._grids: list[Box] = []
        self._frames: list[Box] = []
        self._traces: list[Points] = []
        self._labels: list[Label] = []
        self._y = _MARGIN
        for text in (*head, group.label):
            self._write(text)

    def sheet(self) -> Sheet:
        """Return the finished sheet."""
        voltages = {channel.name: channel for channel in self._group.channels if channel.millivolts() is not None}
        if voltages.keys() >= _LEADS:
            self._twelve(voltages)
        elif len(voltages) == len(self._group.channels) and self._is_of_the_heart():
            self._systems(list(voltages.values()))
        else:
            self._plain()
        size = 2 * _MARGIN + _PULSE + _WIDTH, self._y + _MARGIN
        return Sheet(*size, tuple(self._grids), tuple(self._frames), tuple(self._traces), tuple(self._labels))

    def _is_of_the_heart(self) -> bool:
        return any(channel.name in _LEADS for channel in self._group.channels)

    def _write(self, text: str) -> None:
        if text:
            self._y += _LINE
            self._labels.append(Label(_MARGIN, self._y, text, 3.2))

    def _twelve(self, leads: dict[str, Channel]) -> None:
        """Lay out three rows of four; if there is enough, each column goes on where the one before it ends."""
        column = _WIDTH / 4
        goes_on = self._group.duration_s > 1.5 * column / SPEED
        for row in _TWELVE:
            middle = self._row()
            for number, name in enumerate(row):
                start_s = number * column / SPEED if goes_on else 0.0
                self._signal(leads[name], middle, (number * column, column), start_s)
        if goes_on:
            self._signal(leads[_RHYTHM], self._row(), (0.0, _WIDTH), 0.0)
        self._explain(next(iter(leads.values())), _WIDTH / SPEED)

    def _systems(self, channels: Sequence[Channel]) -> None:
        """Lay out each channel in a row; what is longer than a row goes on below."""
        systems = min(_MOST_SYSTEMS, max(1, int(np.ceil(self._group.duration_s * SPEED / _WIDTH))))
        if systems * len(channels) > _MOST_ROWS:
            systems = 1
        self._check_rows(systems * len(channels))
        for system in range(systems):
            for channel in channels:
                self._signal(channel, self._row(), (0.0, _WIDTH), system * _WIDTH / SPEED)
        self._explain(channels[0], systems * _WIDTH / SPEED)

    def _check_rows(self, rows: int) -> None:
        if rows > _MOST_ROWS:
            raise PayloadTooLarge(f"Waveforms of more than {_MOST_ROWS} channels are not rendered.")

    def _row(self) -> float:
        """Begin a row of grid, and return where its zero lies; the pulse of 1 mV stands before it."""
        top = self._y + 2
        self._grids.append(Box(_MARGIN, top, _PULSE + _WIDTH, _ROW))
        self._y = top + _ROW - 2
        middle = top + _ROW / 2
        x = _MARGIN + 3
        pulse = [(x, 0), (x + 2, 0), (x + 2, -GAIN), (x + 7, -GAIN), (x + 7, 0), (x + 9, 0)]
        self._traces.append(np.array([(place, middle + height) for place, height in pulse]))
        return middle

    def _signal(self, channel: Channel, middle: float, place: tuple[float, float], start_s: float) -> None:
        left, width = _MARGIN + _PULSE + place[0], place[1]
        self._labels.append(Label(left + 1, middle - _ROW / 2 + 5, channel.name, 3.6))
        millivolts = channel.millivolts()
        if millivolts is None:
            return
        cut, x = self._window(channel, millivolts, start_s, width / SPEED)
        y = middle - np.clip(cut * GAIN, -_LARGEST, _LARGEST)
        self._traces += trace_of(cut, left + x * SPEED, y, _STEP)

    def _window(
        self, channel: Channel, values: NDArray[np.float64], start_s: float, length_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the values of a stretch of time, and the seconds of each from its start."""
        frequency = self._group.frequency_hz
        skew = channel.skew_s if abs(channel.skew_s) < length_s else 0.0
        first = max(0, int(np.ceil((start_s - skew) * frequency)))
        last = max(first, int((start_s + length_s - skew) * frequency) + 1)
        cut = values[first:last]
        return cut, (np.arange(first, first + len(cut)) / frequency) + skew - start_s

    def _explain(self, channel: Channel, shown_s: float) -> None:
        self._y += 3
        parts = [f"{SPEED:g} mm/s", f"{GAIN:g} mm/mV", channel.filters, f"{self._group.frequency_hz:g} samples/s"]
        if self._group.duration_s > shown_s + 0.05:
            parts.append(f"the first {shown_s:g} s of {self._group.duration_s:.1f} s")
        self._write("   ".join(part for part in parts if part))

    def _plain(self) -> None:
        """Lay out each channel in a frame, scaled to its own range, over one axis of time."""
        channels, duration = self._group.channels, self._group.duration_s
        self._check_rows(len(channels))
        for channel in channels:
            top = self._y + 3
            box = Box(_MARGIN + _PULSE, top, _WIDTH, _PLAIN_ROW)
            self._frames.append(box)
            self._y = top + _PLAIN_ROW
            self._range(channel, box, duration)
        for number in range(6):
            x = _MARGIN + _PULSE + number * _WIDTH / 5
            self._traces.append(np.array([(x, self._y), (x, self._y + 1.5)]))
            self._labels.append(Label(x - 3, self._y + 5, f"{duration * number / 5:.3g} s", 2.8))
        self._y += 5
        self._write(
            "   ".join(part for part in (channels[0].filters, f"{self._group.frequency_hz:g} samples/s") if part)
        )

    def _range(self, channel: Channel, box: Box, duration: float) -> None:
        known = channel.values[np.isfinite(channel.values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        unit = f" {channel.unit}" if channel.unit else ""
        self._labels.append(Label(box.x + 1, box.y + 4, channel.name, 3.2))
        self._labels.append(Label(_MARGIN - 6, box.y + 3, f"{high:.4g}{unit}", 2.5))
        self._labels.append(Label(_MARGIN - 6, box.y + box.height, f"{low:.4g}{unit}", 2.5))
        span = high - low or 1.0
        x = box.x + np.arange(len(channel.values)) / self._group.frequency_hz / max(duration, 1e-9) * box.width
        y = box.y + box.height - (channel.values - low) / span * box.height
        self._traces += trace_of(channel.values, x, y, _STEP)
