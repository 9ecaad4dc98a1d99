"""How the samples of an image are laid out (PS3.3 C.7.6.3, PS3.5 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hilum.dicom.levels import tag_of
from hilum.dicom.reading.instance import DecodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

_BITS_ALLOCATED: Final = frozenset({1, 8, 16, 32, 64})
_SAMPLES: Final[Mapping[str, int]] = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_PARTIAL_422": 3,
    "YBR_PARTIAL_420": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
    "XYB": 3,
    "HSV": 3,
    "ARGB": 4,
    "CMYK": 4,
}


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """The Image Pixel attributes that the bytes of a frame depend on, checked to make sense."""

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    """0: unsigned, 1: two's complement."""
    photometric_interpretation: str
    planar_configuration: int
    """0: colour-by-pixel, also for one sample per pixel; 1: colour-by-plane."""
    number_of_frames: int

    @property
    def samples_per_frame(self) -> int:
        """Rows x Columns x Samples per Pixel, as if no sample were left out."""
        return self.rows * self.columns * self.samples_per_pixel

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame; YBR_FULL_422 has two samples a pixel in it (PS3.3 C.7.6.3.1.2)."""
        samples = self.samples_per_frame
        if self.photometric_interpretation.endswith("_422"):
            samples = self.rows * self.columns * 2
        return samples * self.bits_allocated

    @property
    def frame_bytes(self) -> int:
        """Bytes of one native frame that stands alone."""
        return (self.frame_bits + 7) // 8

    @property
    def value_bytes(self) -> int:
        """Bytes of the value field of native Pixel Data with all frames, padded to an even length.

        Frames of one bit a sample follow each other without padding (PS3.5 8.1.1).
        """
        length = (self.frame_bits * self.number_of_frames + 7) // 8
        return length + length % 2


def pixel_format(attributes: Mapping[str, Any]) -> PixelFormat:
    """Return the layout that a data set declares.

    Args:
        attributes: eight-digit tags to attributes in the DICOM JSON Model, `{"vr": ..., "Value": [...]}`.

    Raises:
        DecodeError: an attribute that is needed is missing, or the attributes make no sense together.
    """
    samples = _integer(attributes, "SamplesPerPixel", range(1, 5))
    photometric_interpretation = _text(attributes, "PhotometricInterpretation")
    bits_allocated = _integer(attributes, "BitsAllocated", range(1, 65))
    bits_stored = _integer(attributes, "BitsStored", range(1, bits_allocated + 1), missing=bits_allocated)
    if bits_allocated not in _BITS_ALLOCATED:
        raise DecodeError("Bits Allocated has a value that no pixel data have.", tag=0x00280100)
    if _SAMPLES.get(photometric_interpretation, samples) != samples:
        raise DecodeError("Photometric Interpretation and Samples per Pixel contradict each other.")
    return PixelFormat(
        rows=_integer(attributes, "Rows", range(1, 2**16)),
        columns=_integer(attributes, "Columns", range(1, 2**16)),
        samples_per_pixel=samples,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=_integer(attributes, "HighBit", range(bits_allocated), missing=bits_stored - 1),
        pixel_representation=_integer(attributes, "PixelRepresentation", range(2), missing=0),
        photometric_interpretation=photometric_interpretation,
        planar_configuration=(_integer(attributes, "PlanarConfiguration", range(2), missing=0) if samples > 1 else 0),
        # Objects with 0 frames have one, as those without the attribute.
        number_of_frames=_integer(attributes, "NumberOfFrames", range(2**31), missing=1) or 1,
    )


def _value(attributes: Mapping[str, Any], keyword: str) -> object:
    attribute = attributes.get(tag_of(keyword))
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _integer(attributes: Mapping[str, Any], keyword: str, allowed: range, *, missing: int | None = None) -> int:
    value = _value(attributes, keyword)
    if value is None or value == "":
        if missing is None:
            raise DecodeError(f"{keyword} is missing.", tag=int(tag_of(keyword), 16))
        return missing
    # IS may be a string in the DICOM JSON Model (JSON-20).
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) <= 12 else value
    if isinstance(number, bool) or not isinstance(number, int) or number not in allowed:
        raise DecodeError(f"{keyword} has a value that no pixel data have.", tag=int(tag_of(keyword), 16))
    return number


def _text(attributes: Mapping[str, Any], keyword: str) -> str:
    value = _value(attributes, keyword)
    if not isinstance(value, str) or not value.strip():
        raise DecodeError(f"{keyword} is missing.", tag=int(tag_of(keyword), 16))
    return value.strip()
