"""What the pipeline renders from: an instance's attributes and pixels, however they are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.render.attributes import Attributes


@dataclass(frozen=True, slots=True)
class Pixels:
    """The frames of an instance, decoded when they are asked for."""

    format: PixelFormat
    """Layout of what `frame` gives."""
    is_float: bool
    """Float or Double Float Pixel Data: the words are IEEE numbers of `bits_allocated` bits."""
    frame: Callable[[int], bytes]
    """From a frame index (from 0) to native little-endian pixels."""
    stored_frame: Callable[[int], bytes]
    """The same as it is stored: a codestream, or native pixels."""


@dataclass(frozen=True, slots=True)
class Source:
    """An instance that is rendered."""

    sop_class_uid: str
    transfer_syntax_uid: str
    attributes: Attributes
    pixels: Pixels | None
    """None where there are no pixel data, or none that can be told apart in frames."""
    read_object: Callable[[], bytes]
    """Return the Part 10 object as it travels, uncompressed syntaxes as Explicit VR Little Endian."""
    resource_path: str = ""
    """Path of the instance's resource below the service root, for links in documents."""

    @property
    def frame_count(self) -> int:
        """Number of frames, 0 without pixels."""
        return self.pixels.format.number_of_frames if self.pixels else 0
