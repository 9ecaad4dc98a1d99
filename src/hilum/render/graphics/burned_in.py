"""Burned-in annotation of patient and technique (PS3.18 8.3.5.1.1). Its content is ours to choose."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.render.attributes import Attributes
from hilum.render.graphics.text import cleaned, draw_line, line_height, wrapped
from hilum.render.grayscale.choice import functional_group
from hilum.render.parameters import Annotation, Window

_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
_LEAST_SIZE: Final = 10
_SIZE_PER_SIDE: Final = 1 / 32
_NUMBERS: Final = (
    ("KVP", "{} kV"),
    ("XRayTubeCurrent", "{} mA"),
    ("ExposureTime", "{} ms"),
    ("Exposure", "{} mAs"),
    ("RepetitionTime", "TR {} ms"),
    ("EchoTime", "TE {} ms"),
    ("SliceThickness", "ST {} mm"),
    ("SliceLocation", "SL {} mm"),
)


def annotate(
    pixels: NDArray[np.uint8],
    attributes: Attributes,
    wanted: Collection[Annotation],
    *,
    frame_index: int,
    window: Window | None,
) -> NDArray[np.uint8]:
    """Return an image with text: the patient at the top, the technique at the bottom.

    What does not fit is left out by whole lines, never cut.

    Args:
        pixels: shape (rows, columns) or (rows, columns, 3), at output resolution.
        attributes: of the image.
        wanted: which annotations.
        frame_index: from 0.
        window: the VOI window that is shown, for the technique.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    size = max(_LEAST_SIZE, round(min(image.size) * _SIZE_PER_SIDE))
    height, margin = line_height(size), max(2, size // 4)
    room = max(0, (image.height - 2 * margin) // height)
    top = _lines(patient_lines(attributes), size, image.width - 2 * margin) if Annotation.PATIENT in wanted else []
    bottom = []
    if Annotation.TECHNIQUE in wanted:
        bottom = _lines(technique_lines(attributes, frame_index, window), size, image.width - 2 * margin)
    top = top[:room]
    bottom = bottom[: room - len(top)]
    for number, line in enumerate(top):
        draw_line(image, (margin, margin + number * height), line, size=size, inks=(_WHITE, _BLACK))
    start = image.height - margin - len(bottom) * height
    for number, line in enumerate(bottom):
        draw_line(image, (margin, start + number * height), line, size=size, inks=(_WHITE, _BLACK))
    return np.asarray(image)


def _lines(texts: Iterator[str], size: int, width: float) -> list[str]:
    return [line for text in texts if text for line in wrapped(text, size, width)]


def patient_lines(attributes: Attributes) -> Iterator[str]:
    """Yield who the patient is: the name in each form it has, ID, birth date and sex."""
    for value in attributes.values("PatientName")[:1]:
        groups = value.values() if isinstance(value, dict) else [value]
        for group in groups:
            if isinstance(group, str):
                yield cleaned(group.replace("^", " ").strip())
    yield cleaned(attributes.text("PatientID"))
    yield " ".join(filter(None, (_date(attributes.text("PatientBirthDate")), cleaned(attributes.text("PatientSex")))))


def technique_lines(attributes: Attributes, frame_index: int, window: Window | None) -> Iterator[str]:
    """Yield where, when and how the image was made, and how it is shown."""
    yield cleaned(attributes.text("InstitutionName"))
    when = (_date(attributes.text("StudyDate")), _time(attributes.text("StudyTime")))
    yield " ".join(filter(None, (*when, cleaned(attributes.text("Modality")))))
    yield cleaned(attributes.text("StudyDescription"))
    yield cleaned(attributes.text("SeriesDescription"))
    numbers = (("Se", attributes.text("SeriesNumber")), ("Im", attributes.text("InstanceNumber")))
    place = [f"{name} {cleaned(text)}" for name, text in numbers if text]
    if attributes.integer("NumberOfFrames", 1) > 1:
        place.append(f"Fr {frame_index + 1}")
    side = attributes.text("ImageLaterality") or attributes.text("Laterality")
    yield " ".join([*place, cleaned(side)]).strip()
    yield " ".join(_settings(attributes, frame_index))
    if window is not None:
        yield f"W {window.width:g} C {window.center:g}"


def _settings(attributes: Attributes, frame_index: int) -> Iterator[str]:
    measures = functional_group(attributes, frame_index, "PixelMeasuresSequence")
    for keyword, text in _NUMBERS:
        number = attributes.number(keyword)
        if number is None and measures is not None:
            number = measures.number(keyword)
        if number is not None:
            yield text.format(f"{number:g}")


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdecimal() else cleaned(text)


def _time(text: str) -> str:
    return f"{text[:2]}:{text[2:4]}" if len(text) >= 4 and text[:4].isdecimal() else cleaned(text)
