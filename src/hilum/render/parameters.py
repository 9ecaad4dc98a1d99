"""What a user agent may ask of a rendered representation, as checked values (PS3.18 8.3.5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hilum.dicom.resources import TargetResource


class VoiFunction(Enum):
    """How a window maps; the value is VOI LUT Function (0028,1056)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """A VOI window in modality units; `width` is at least 1 for LINEAR, above 0 for the others."""

    center: float
    width: float
    function: VoiFunction | None = VoiFunction.LINEAR
    """None: the function that the image names, else LINEAR (the URI Service has no way to say it)."""


@dataclass(frozen=True, slots=True)
class PixelRegion:
    """Part of the source image in source pixels; (0, 0) is the top left corner of the top left pixel.

    A negative width or height mirrors that axis; None reaches to the right or bottom edge.
    """

    x: float = 0.0
    y: float = 0.0
    width: float | None = None
    height: float | None = None


@dataclass(frozen=True, slots=True)
class RelativeRegion:
    """Part of the displayed image in fractions of its width and height, 0 to 1, left below right, top below bottom."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Viewport:
    """The box into which the region is fitted, and the region; a missing side follows from the other."""

    width: int | None = None
    height: int | None = None
    region: PixelRegion | RelativeRegion | None = None


class Annotation(Enum):
    """What may be burned into the pixels; the value is the keyword of PS3.18 8.3.5.1.1."""

    PATIENT = "patient"
    TECHNIQUE = "technique"


class IccProfile(Enum):
    """Values of the parameter `iccprofile`."""

    NO = "no"
    YES = "yes"
    SRGB = "srgb"
    ADOBE_RGB = "adobergb"
    ROMM_RGB = "rommrgb"
    DISPLAY_P3 = "displayp3"


@dataclass(frozen=True, slots=True)
class RenderingParameters:
    """Everything that changes a rendered representation of given frames."""

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int | None = None
    """1 to 100, of lossy media types."""
    annotation: frozenset[Annotation] = frozenset()
    icc_profile: IccProfile | None = None
    presentation_state: TargetResource | None = None
    """An instance of a presentation state to apply (the URI Service names one)."""
    charset: str = ""
    """Of text media types; '' is UTF-8."""
    service_url: str = ""
    """Base URL of the RESTful services, for links in documents."""
    unsupported_annotations: tuple[str, ...] = ()
    """Keywords of `annotation` that are passed over, for the Warning header (REND-12)."""
