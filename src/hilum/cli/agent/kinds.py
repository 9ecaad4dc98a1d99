"""What a file is, by its first bytes: a Part 10 object, or an image, video or document to make an instance of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_HEAD_BYTES: Final = 132
_PHOTOGRAPH: Final = "1.2.840.10008.5.1.4.1.1.77.1.4"
_VIDEO: Final = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
_ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"


@dataclass(frozen=True, slots=True)
class PlainKind:
    """A kind of file that is no DICOM, and what an instance of it is."""

    media_type: str
    sop_class_uid: str
    modality: str

    @property
    def is_document(self) -> bool:
        """Whether it is encapsulated as a document, and not as pixel data."""
        return self.sop_class_uid == _ENCAPSULATED_PDF


class Part10:
    """The kind of Part 10 objects."""


PART10: Final = Part10()

_MAGIC: Final = (
    (0, b"\xff\xd8\xff", PlainKind("image/jpeg", _PHOTOGRAPH, "XC")),
    (0, b"\x89PNG\r\n\x1a\n", PlainKind("image/png", _PHOTOGRAPH, "XC")),
    (0, b"GIF8", PlainKind("image/gif", _PHOTOGRAPH, "XC")),
    (0, b"\0\0\0\x0cjP  \r\n", PlainKind("image/jp2", _PHOTOGRAPH, "XC")),
    (0, b"%PDF-", PlainKind("application/pdf", _ENCAPSULATED_PDF, "DOC")),
    (4, b"ftypqt", PlainKind("video/quicktime", _VIDEO, "XC")),
    (4, b"ftyp", PlainKind("video/mp4", _VIDEO, "XC")),
    (0, b"\0\0\x01\xba", PlainKind("video/mpeg", _VIDEO, "XC")),
)


def kind_of(path: str) -> PlainKind | Part10 | None:
    """Return what a file is, None if it is nothing that can be sent.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - names that are no UTF-8 come as text with escapes
        head = file.read(_HEAD_BYTES)
    if head[128:132] == b"DICM":
        return PART10
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    # Objects without a preamble begin with an element of group 2 or 8.
    return PART10 if len(head) > 8 and head[:2] in (b"\x02\0", b"\x08\0") and head[3:4] == b"\0" else None
