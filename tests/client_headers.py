"""The literal Accept headers that user agents send, and what each has to get.

The strings are those of the programs' sources or documentation where these were at hand, else what they are known
to send.
"""

from __future__ import annotations

from dataclasses import dataclass

NATIVE, RLE, MOVIE, PDF = "native", "rle", "movie", "pdf"

SEARCH = "/studies"
METADATA = "{series}/metadata"
STUDY = "{study}"
INSTANCE = "{instance}"
FRAME = "{instance}/frames/1"
FRAMES = "{instance}/frames/1,2"
PIXEL_DATA = "{instance}/pixeldata"
BULK = "{instance}/bulkdata/7FE00010"
DOCUMENT = "{instance}/bulkdata/00420011"

_JSON = "application/dicom+json"
_OBJECTS = 'multipart/related; type="application/dicom"'
_OCTETS = 'multipart/related; type="application/octet-stream"'

# Which of several that are liked alike it is depends on what can be encoded.
_ANY = ("image/jls", "image/jp2", "image/jpeg", "application/octet-stream")


@dataclass(frozen=True)
class Case:
    user_agent: str
    resource: str
    accept: str
    status: int = 200
    content_type: str = ""
    """How Content-Type begins."""
    part_type: str | tuple[str, ...] = ""
    """How the Content-Type of each part begins, for multipart answers."""
    target: str = NATIVE
    """Which of the stored objects is asked for."""


ELE = "1.2.840.10008.1.2.1"
RLE_UID = "1.2.840.10008.1.2.5"

CASES = (
    # OHIF 2 and 3, through dicomweb-client and Cornerstone's loader.
    Case("OHIF 2, studies", SEARCH, "application/dicom+json", content_type=_JSON),
    Case(
        "OHIF 2, studies with all it takes",
        SEARCH,
        "application/dicom+json, multipart/related; type=application/octet-stream",
        content_type=_JSON,
    ),
    Case(
        "OHIF 3, frames",
        FRAME,
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        content_type=_OCTETS,
        part_type=f"application/octet-stream; transfer-syntax={ELE}",
    ),
    Case(
        "OHIF 3, compressed frames",
        FRAME,
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        content_type=_OCTETS,
        part_type=f"application/octet-stream; transfer-syntax={RLE_UID}",
        target=RLE,
    ),
    Case(
        "OHIF 3, frames of any type",
        FRAME,
        "multipart/related; type=*/*; transfer-syntax=*",
        # NEG-12: where the type is open, the default type comes first.
        content_type=_OCTETS,
        part_type=f"application/octet-stream; transfer-syntax={RLE_UID}",
        target=RLE,
    ),
    Case(
        "OHIF 3, frames with the parameter twice",
        FRAME,
        "multipart/related; type=application/octet-stream; transfer-syntax=*; transfer-syntax=*",
        content_type=_OCTETS,
        part_type="application/octet-stream",
    ),
    Case(
        "OHIF 3, list of types with weights",
        FRAME,
        "multipart/related; type=application/pdf; q=0.6, multipart/related; type=image/jls; q=1, "
        "multipart/related; type=application/octet-stream; q=0.5",
        content_type="multipart/related; type=",
        part_type=_ANY,
    ),
    Case(
        "OHIF 3, single part",
        FRAME,
        "application/octet-stream",
        content_type=f"application/octet-stream; transfer-syntax={ELE}",
    ),
    Case("OHIF 3, bulk data", BULK, "application/octet-stream", content_type="application/octet-stream"),
    Case("OHIF 3, video", PIXEL_DATA, "video/mp4", content_type="video/mp4", target=MOVIE),
    Case("OHIF 3, PDF", DOCUMENT, "application/pdf", content_type="application/pdf", target=PDF),
    # Cornerstone (WADO) image loaders.
    Case(
        "Cornerstone, wadors",
        FRAME,
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        content_type=_OCTETS,
        part_type="application/octet-stream",
    ),
    Case(
        "Cornerstone, JPEG-LS by the name of old, of a video",
        FRAME,
        'multipart/related; type="image/x-jls"',
        status=406,
        target=MOVIE,
    ),
    Case(
        "Cornerstone, syntax that is none",
        FRAME,
        'multipart/related; type="application/octet-stream"; transfer-syntax="image/x-jls"',
        status=406,
    ),
    Case("Cornerstone, metadata", METADATA, "application/json", content_type=_JSON),
    # dicomweb-client for JavaScript, and the viewers on it.
    Case("dicomweb-client (JavaScript), metadata", METADATA, "application/dicom+json", content_type=_JSON),
    Case(
        "dicomweb-client (JavaScript), frames",
        FRAMES,
        'multipart/related; type="application/octet-stream"',
        content_type=_OCTETS,
        part_type=f"application/octet-stream; transfer-syntax={ELE}",
        target=RLE,
    ),
    Case(
        "dicomweb-client (JavaScript), any syntax",
        FRAMES,
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        content_type=_OCTETS,
        part_type=f"application/octet-stream; transfer-syntax={RLE_UID}",
        target=RLE,
    ),
    Case(
        "dicomweb-client (JavaScript), instance",
        INSTANCE,
        'multipart/related; type="application/dicom"',
        content_type=_OBJECTS,
        part_type=f"application/dicom; transfer-syntax={ELE}",
        target=RLE,
    ),
    Case(
        "dicomweb-client (JavaScript), bulk data",
        BULK,
        'multipart/related; type="application/octet-stream"',
        content_type=_OCTETS,
        part_type="application/octet-stream",
    ),
    Case(
        "dicom-microscopy-viewer, tiles",
        FRAME,
        'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80, '
        'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90, '
        'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50, '
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
        content_type="multipart/related; type=",
        part_type=_ANY,
    ),
    Case(
        "Slim, tiles of any kind",
        FRAME,
        'multipart/related; type="application/octet-stream"; transfer-syntax=*, '
        'multipart/related; type="image/jpeg"; transfer-syntax=*',
        content_type=_OCTETS,
        part_type="application/octet-stream",
    ),
    # dicomweb-client for Python, which 3D Slicer uses too.
    Case("dicomweb-client (Python), search", SEARCH, "application/dicom+json, application/json", content_type=_JSON),
    Case(
        "3D Slicer, series",
        STUDY,
        'multipart/related; type="application/dicom"; transfer-syntax=*',
        content_type=_OBJECTS,
        part_type=f"application/dicom; transfer-syntax={RLE_UID}",
        target=RLE,
    ),
    Case(
        "dicomweb-client (Python), bulk data",
        BULK,
        'multipart/related; type="*/*"',
        content_type=_OCTETS,
        part_type="application/octet-stream",
    ),
    Case(
        "dicomweb-client (Python), frames",
        FRAME,
        'multipart/related; type="application/octet-stream"; transfer-syntax="1.2.840.10008.1.2.1"',
        content_type=_OCTETS,
        part_type=f"application/octet-stream; transfer-syntax={ELE}",
        target=RLE,
    ),
    # dicomtrolley leaves the header to its HTTP library.
    Case("dicomtrolley", STUDY, "*/*", content_type=_OBJECTS, part_type="application/dicom"),
    # Weasis, and what Java's own HTTP client sends where a program names nothing.
    Case(
        "Weasis, series",
        STUDY,
        'multipart/related;type="application/dicom"',
        content_type=_OBJECTS,
        part_type="application/dicom",
    ),
    Case(
        "Weasis, any syntax",
        STUDY,
        'multipart/related;type="application/dicom";transfer-syntax=*',
        content_type=_OBJECTS,
        part_type=f"application/dicom; transfer-syntax={RLE_UID}",
        target=RLE,
    ),
    Case(
        "Java's HTTP client",
        STUDY,
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        content_type=_OBJECTS,
        part_type="application/dicom",
    ),
    # dcm4che's wadors and qidors.
    Case("dcm4che wadors", STUDY, "*/*", content_type=_OBJECTS, part_type="application/dicom"),
    Case(
        "dcm4che wadors, any syntax",
        STUDY,
        "multipart/related;type=application/dicom;transfer-syntax=*",
        content_type=_OBJECTS,
        part_type="application/dicom",
    ),
    Case(
        "dcm4che wadors, JPEG of a video",
        PIXEL_DATA,
        "multipart/related;type=image/jpeg;transfer-syntax=1.2.840.10008.1.2.4.51",
        status=406,
        target=MOVIE,
    ),
    Case("dcm4che wadors, archive", STUDY, "application/zip", content_type="application/zip"),
    Case("dcm4che qidors", SEARCH, "application/dicom+json", content_type=_JSON),
    # Scripts.
    Case("Azure's tutorials", STUDY, f"{_OBJECTS}; transfer-syntax=*", content_type=_OBJECTS, part_type="application"),
    Case("axios", SEARCH, "application/json, text/plain, */*", content_type=_JSON),
    Case("curl, search", SEARCH, "*/*", content_type=_JSON),
    Case("curl, metadata", METADATA, "*/*", content_type=_JSON),
    Case(
        "curl, frame", FRAME, "*/*", content_type=_OCTETS, part_type=f"application/octet-stream; transfer-syntax={ELE}"
    ),
    # Browsers: the address bar, fetch, and elements.
    Case(
        "Chrome, address bar",
        SEARCH,
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7",
        content_type=_JSON,
    ),
    Case(
        "Firefox, address bar",
        SEARCH,
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        content_type=_JSON,
    ),
    Case(
        "Firefox, a document",
        DOCUMENT,
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        content_type="application/pdf",
        target=PDF,
    ),
    Case("Chrome, video element", PIXEL_DATA, "*/*", content_type="video/mp4", target=MOVIE),
    Case(
        "Firefox, video element",
        PIXEL_DATA,
        "video/webm,video/ogg,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5",
        content_type="video/mp4",
        target=MOVIE,
    ),
    Case("Safari, video element", BULK, "*/*", content_type="video/mp4", target=MOVIE),
    Case(
        "Chrome, image element on frames",
        FRAME,
        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        content_type=_OCTETS,
        part_type="application/octet-stream",
    ),
)
