"""ICC profiles: of the source, and those that a user agent may ask for (PS3.18 8.3.5.1.5)."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from hilum.render.attributes import Attributes
from hilum.render.parameters import IccProfile

_MOST_BYTES: Final = 8 * 1024 * 1024
_D50: Final = (0.9642, 1.0, 0.8249)

# Chromaticities of red, green, blue and white, and the tone curve: (gamma) or the five numbers of a parametric one.
_SRGB_CURVE: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_D65_WHITE: Final = (0.3127, 0.3290)
_SPACES: Final[Mapping[IccProfile, tuple[str, tuple[tuple[float, float], ...], tuple[float, ...]]]] = {
    IccProfile.SRGB: ("sRGB", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65_WHITE), _SRGB_CURVE),
    IccProfile.ADOBE_RGB: (
        "Adobe RGB (1998) compatible",
        ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65_WHITE),
        (563 / 256,),
    ),
    IccProfile.ROMM_RGB: (
        "ROMM RGB",
        ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585)),
        (1.8, 1.0, 0.0, 1 / 16, 1 / 32),
    ),
    IccProfile.DISPLAY_P3: ("Display P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65_WHITE), _SRGB_CURVE),
}


def source_profile(attributes: Attributes) -> bytes | None:
    """Return the ICC profile that describes an image's colours: its own, else that of its first optical path.

    One that cannot be read, or that is for other than RGB, is as good as absent.
    """
    data = attributes.octets("ICCProfile")
    if not data:
        path = attributes.first_item("OpticalPathSequence")
        data = path.octets("ICCProfile") if path else b""
    return usable_profile(data)


@lru_cache(maxsize=32)
def usable_profile(data: bytes) -> bytes | None:
    """Return the profile without padding; None where no transformation can be made of it.

    >>> usable_profile(b"no profile") is None
    True
    """
    if not 128 <= len(data) <= _MOST_BYTES or data[16:20] != b"RGB ":
        return None
    size = int.from_bytes(data[:4], "big")
    if not 128 <= size <= len(data):
        return None
    try:
        _transform(data[:size], well_known(IccProfile.SRGB))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return data[:size]


def converted(pixels: NDArray[np.uint8], source: bytes, target: bytes) -> NDArray[np.uint8]:
    """Return RGB pixels of one profile in the space of another; both are usable."""
    if source == target:
        return pixels
    image = ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(pixels)), _transform(source, target))
    return np.asarray(image)


@lru_cache(maxsize=32)
def _transform(source: bytes, target: bytes) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(source)),
        ImageCms.ImageCmsProfile(io.BytesIO(target)),
        "RGB",
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )


@lru_cache(maxsize=8)
def well_known(profile: IccProfile) -> bytes:
    """Return the profile of a well-known colour space: a matrix and a tone curve (ICC.1 version 4).

    >>> well_known(IccProfile.SRGB)[36:40]
    b'acsp'
    """
    name, points, curve = _SPACES[profile]
    columns = _primaries(points)
    tags = {
        b"desc": _text(name),
        b"cprt": _text("No rights reserved."),
        b"wtpt": _xyz(_D50),
        **{tag: _xyz(tuple(columns[:, number])) for number, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(curve)),
    }
    return _profile(tags)


def _primaries(points: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Return the XYZ of red, green and blue as columns, adapted to D50 by Bradford."""
    xyz = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in points]).T
    white = xyz[:, 3]
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], white)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag((bradford @ np.array(_D50)) / (bradford @ white))
    adapted: NDArray[np.float64] = np.linalg.inv(bradford) @ scale @ bradford @ matrix
    return adapted


def _fixed(number: float) -> bytes:
    return struct.pack(">i", round(number * 65536))


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in values)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(encoded), 28) + encoded


def _curve(curve: tuple[float, ...]) -> bytes:
    function = 0 if len(curve) == 1 else 3
    return b"para" + struct.pack(">IHH", 0, function, 0) + b"".join(_fixed(number) for number in curve)


def _profile(tags: Mapping[bytes, bytes]) -> bytes:
    offset = 128 + 4 + 12 * len(tags)
    table, body = [], b""
    for tag, data in tags.items():
        table.append(tag + struct.pack(">II", offset + len(body), len(data)))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s6H4s4sIIIQI12s4s44x",
        offset + len(body),
        bytes(4),
        0x04200000,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        2024,
        1,
        1,
        0,
        0,
        0,
        b"acsp",
        bytes(4),
        0,
        0,
        0,
        0,
        1,
        b"".join(_fixed(value) for value in _D50),
        bytes(4),
    )
    return head + struct.pack(">I", len(tags)) + b"".join(table) + body
