"""One instance out of its metadata and the bulk parts that came with them.

Source: PS3.18 10.5.1.4, 10.5.2 (STOW-11 to STOW-26).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from hilum.dicom.building.completing import (
    BASIC_TEXT_SR,
    MULTI_FRAME_GRAYSCALE_BYTE,
    MULTI_FRAME_GRAYSCALE_WORD,
    MULTI_FRAME_TRUE_COLOR,
    PHOTOGRAPHIC_IMAGE,
    SECONDARY_CAPTURE,
    VIDEO_PHOTOGRAPHIC_IMAGE,
    Identity,
    attribute,
    code,
    complete,
    items,
    tag_of,
)
from hilum.dicom.building.contents import FileRange
from hilum.dicom.building.data_set import ELEMENT, Content, Pieces, element_header, encode_data_set
from hilum.dicom.building.documents import DOCUMENT_TYPES, cda_identifier, check_document
from hilum.dicom.building.encapsulation import PIXEL_DATA, encapsulated_pixel_data
from hilum.dicom.building.images import READERS, Bounds, ImageFormat, OpenSpool, read_images
from hilum.dicom.building.model import DataSet
from hilum.dicom.building.part10 import make_head
from hilum.dicom.building.video import VIDEO_TYPES, read_video
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import ENCAPSULATED_SYNTAXES, EXPLICIT_VR_LITTLE_ENDIAN

OCTETS: Final = "application/octet-stream"
_TRANSFER_SYNTAX: Final = 0x00020010
_AVAILABLE_SYNTAX: Final = 0x00083002
_DOCUMENT: Final = 0x00420011
_MAX_TEXT_BYTES: Final = 4 * 1024 * 1024
_RLE: Final = "image/dicom-rle"


class Change(Enum):
    """A warning about a stored instance; the value is its Warning Reason (PS3.18 I.2.1)."""

    COERCED = 0xB000
    DISCARDED = 0xB006
    DOUBTFUL = 0xB007


@dataclass(frozen=True, slots=True)
class BulkPart:
    """One part of a payload that holds a bulk value, or one frame of it."""

    media_type: str
    """Canonical, without parameters."""
    transfer_syntax_uid: str
    """Parameter of its Content-Type; '' without."""
    content: FileRange


ResolveParts = Callable[[str], Sequence[BulkPart]]
"""The parts of a BulkDataURI, in their order; raises DecodeError if there are none."""


@dataclass(slots=True)
class Made:
    """A Part 10 object that is ready to be written, and what was done to the instance."""

    pieces: Pieces
    sop_class_uid: str
    sop_instance_uid: str
    changes: Sequence[tuple[Change, str]]
    original_attributes: Sequence[DataSet]
    """Items of Original Attributes Sequence (0400,0561) that were added."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the object."""
        return self.pieces.chunks()


@dataclass(frozen=True, slots=True)
class Workshop:
    """What making an instance needs."""

    resolve: ResolveParts
    bounds: Bounds
    open_spool: OpenSpool
    identity: Identity


@dataclass(slots=True)
class _Draft:
    """An instance that is being made."""

    data_set: DataSet
    workshop: Workshop
    transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN
    replaced: DataSet = field(default_factory=dict)
    is_made: bool = False
    sop_class_uid: str = ""

    def derive(self, keyword: str, *values: Any) -> None:  # noqa: ANN401 - values of the model are of many types
        """Set an attribute to what the content says; what the user agent said otherwise is kept as original."""
        tag = tag_of(keyword)
        sent = self.data_set.get(tag)
        derived = attribute(keyword, *values)
        if sent is not None and "Value" in sent and [str(one) for one in sent["Value"]] != [str(one) for one in values]:
            self.replaced[tag] = sent
        elif sent is not None and "Value" in sent:
            return
        self.data_set[tag] = derived

    def supply(self, keyword: str, *values: Any) -> None:  # noqa: ANN401 - values of the model are of many types
        """Set an attribute that the user agent did not give a value."""
        tag = tag_of(keyword)
        if "Value" not in self.data_set.get(tag, {}):
            self.data_set[tag] = attribute(keyword, *values)

    def value(self, keyword: str) -> str:
        """Return the first value of an attribute as text, '' without."""
        values = self.data_set.get(tag_of(keyword), {}).get("Value") or [None]
        return "" if values[0] is None else str(values[0]).strip()


def make_instance(data_set: DataSet, loose: BulkPart | None, workshop: Workshop) -> Made:
    """Return the object that metadata and bulk parts describe.

    Args:
        data_set: the metadata, read by `read_model`.
        loose: a part that no BulkDataURI of the request names: the content of metadata that have none.
        workshop: what it takes.

    Raises:
        DecodeError: the parts and the metadata make no instance.
    """
    declared = _declared_syntax(data_set)
    kept = {tag: value for tag, value in data_set.items() if tag >> 16 != 2 and tag != _AVAILABLE_SYNTAX}
    draft = _Draft(kept, workshop)
    _take_content(draft, declared, loose)
    if draft.is_made:
        complete(draft.data_set, draft.sop_class_uid, workshop.identity)
    originals = _note_originals(draft)
    return _assemble(draft, originals)


def _declared_syntax(data_set: DataSet) -> str:
    """Return the transfer syntax that the metadata name in place of a bulk part (STOW-18)."""
    for tag in (_TRANSFER_SYNTAX, _AVAILABLE_SYNTAX):
        values = data_set.get(tag, {}).get("Value")
        if values and values[0]:
            return str(values[0]).strip()
    return ""


def _take_content(draft: _Draft, declared: str, loose: BulkPart | None) -> None:
    pixels = draft.data_set.get(PIXEL_DATA, {})
    document = draft.data_set.get(_DOCUMENT, {})
    if "BulkDataURI" in pixels:
        parts = draft.workshop.resolve(pixels["BulkDataURI"])
        if not _take_pixels(draft, parts, declared):
            raise DecodeError("The media type of a bulk part holds no pixel data.", tag=PIXEL_DATA)
    elif "BulkDataURI" in document:
        _take_document(draft, draft.workshop.resolve(document["BulkDataURI"]))
    elif loose is not None and "InlineBinary" not in pixels and "InlineBinary" not in document:
        if not _take_pixels(draft, [loose], declared):
            _take_document(draft, [loose])
    elif pixels and declared in ENCAPSULATED_SYNTAXES:
        raise DecodeError("Compressed pixel data cannot be inline.", tag=PIXEL_DATA)
    if PIXEL_DATA in draft.data_set:
        _check_native(draft)


def _take_pixels(draft: _Draft, parts: Sequence[BulkPart], declared: str) -> bool:
    """Make parts the pixel data; say whether their media type can be that."""
    media_type = parts[0].media_type
    if any(part.media_type != media_type for part in parts):
        raise DecodeError("The frames of an image are of different media types.")
    if media_type in READERS:
        _take_images(draft, media_type, [part.content for part in parts])
    elif media_type in VIDEO_TYPES:
        if len(parts) > 1:
            raise DecodeError("A video is one part.")
        _take_video(draft, media_type, parts[0].content)
    elif media_type in (OCTETS, _RLE):
        _take_octets(draft, parts, declared)
    else:
        return False
    return True


def _take_octets(draft: _Draft, parts: Sequence[BulkPart], declared: str) -> None:
    is_rle = parts[0].media_type == _RLE
    syntax = parts[0].transfer_syntax_uid or declared or EXPLICIT_VR_LITTLE_ENDIAN
    if is_rle:
        syntax = "1.2.840.10008.1.2.5"
    if syntax in ENCAPSULATED_SYNTAXES:
        draft.transfer_syntax_uid = syntax
        _put_encapsulated(draft, [part.content for part in parts])
        if len(parts) > 1:
            draft.derive("NumberOfFrames", len(parts))
        return
    _put_native(draft, [part.content for part in parts])


def _put_native(draft: _Draft, contents: Sequence[Content]) -> None:
    pieces = Pieces()
    for content in contents:
        pieces.add(content)
    length = pieces.length
    sent = draft.data_set.pop(PIXEL_DATA, {})
    bits = draft.value("BitsAllocated")
    vr = "OW" if bits not in ("1", "8") else sent.get("vr", "OB" if draft.is_made else "OW")
    element = Pieces()
    element.add(element_header(PIXEL_DATA, vr, length + length % 2))
    element.extend(pieces)
    if length % 2:
        element.add(b"\0")
    draft.data_set[PIXEL_DATA] = {"vr": vr, ELEMENT: element}
    _check_length(draft, length)


def _put_encapsulated(draft: _Draft, frames: Sequence[Content]) -> None:
    draft.data_set[PIXEL_DATA] = {"vr": "OB", ELEMENT: encapsulated_pixel_data(frames)}


def _check_native(draft: _Draft) -> None:
    """Check pixel data that came inline."""
    inline = draft.data_set[PIXEL_DATA].get("InlineBinary")
    if inline is not None:
        _check_length(draft, len(inline) * 3 // 4)


def _check_length(draft: _Draft, length: int) -> None:
    """Check that native pixel data are as long as the metadata say.

    Raises:
        DecodeError: they are shorter, or the metadata do not tell.
    """
    sizes = [draft.value(keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    frames = draft.value("NumberOfFrames") or "1"
    if not all(size.isdecimal() and len(size) < 10 for size in (*sizes, frames)):
        raise DecodeError("The metadata do not describe their pixel data.")
    rows, columns, samples, bits = map(int, sizes)
    subsampled = draft.value("PhotometricInterpretation").endswith("_422")
    needed = (rows * columns * (2 if subsampled else samples) * bits * int(frames) + 7) // 8
    if not needed or length < needed:
        raise DecodeError("The pixel data are shorter than the metadata say.", tag=PIXEL_DATA)


def _take_images(draft: _Draft, media_type: str, contents: Sequence[FileRange]) -> None:
    images = read_images(media_type, contents, draft.workshop.bounds, draft.workshop.open_spool)
    draft.is_made = True
    form = images.format
    _describe(draft, form)
    if images.count > 1:
        draft.derive("NumberOfFrames", images.count)
        _time_frames(draft, 100.0)
    if form.lossy_method:
        _note_loss(draft, form.lossy_method, form.frame_bytes * images.count, sum(part.length for part in contents))
    draft.sop_class_uid = _image_class(form, images.count)
    if form.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN:
        _put_native(draft, images.frames)
        return
    draft.transfer_syntax_uid = form.transfer_syntax_uid
    _put_encapsulated(draft, images.frames)


def _image_class(form: ImageFormat, count: int) -> str:
    is_byte, is_grey = form.bits_allocated == 8, form.samples_per_pixel == 1
    if count > 1:
        grey = MULTI_FRAME_GRAYSCALE_BYTE if is_byte else MULTI_FRAME_GRAYSCALE_WORD
        return grey if is_grey else MULTI_FRAME_TRUE_COLOR
    return PHOTOGRAPHIC_IMAGE if is_byte else SECONDARY_CAPTURE


def _describe(draft: _Draft, form: ImageFormat) -> None:
    """Derive the Image Pixel Description Macro (STOW-24); what a codestream leaves open stays as it was sent."""
    draft.derive("Rows", form.rows)
    draft.derive("Columns", form.columns)
    draft.derive("SamplesPerPixel", form.samples_per_pixel)
    if form.samples_per_pixel > 1:
        draft.derive("PhotometricInterpretation", form.photometric_interpretation)
        draft.derive("PlanarConfiguration", 0)
    elif draft.value("PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"):
        draft.derive("PhotometricInterpretation", form.photometric_interpretation)
    draft.derive("BitsAllocated", form.bits_allocated)
    stored = draft.value("BitsStored")
    if not (stored.isdecimal() and 0 < int(stored) <= form.bits_stored):
        draft.derive("BitsStored", form.bits_stored)
    draft.derive("HighBit", int(draft.value("BitsStored")) - 1)
    if form.pixel_representation is None:
        draft.supply("PixelRepresentation", 0)
    else:
        draft.derive("PixelRepresentation", form.pixel_representation)


def _take_video(draft: _Draft, media_type: str, content: FileRange) -> None:
    video = read_video(media_type, content)
    draft.is_made = True
    draft.sop_class_uid = VIDEO_PHOTOGRAPHIC_IMAGE
    colour = "YBR_PARTIAL_420"
    _describe(draft, ImageFormat(video.transfer_syntax_uid, video.rows, video.columns, 3, 8, colour, "", 0))
    draft.derive("NumberOfFrames", video.count)
    _time_frames(draft, video.frame_time_ms)
    draft.supply("CineRate", max(1, round(1000 / video.frame_time_ms)))
    _note_loss(draft, video.lossy_method, video.rows * video.columns * 3 * video.count, content.length)
    draft.transfer_syntax_uid = video.transfer_syntax_uid
    _put_encapsulated(draft, [_joined(video.contents)])


def _joined(contents: Sequence[Content]) -> Content:
    if len(contents) == 1:
        return contents[0]
    pieces = Pieces()
    for content in contents:
        pieces.add(content)
    return pieces


def _time_frames(draft: _Draft, frame_time_ms: float) -> None:
    if draft.data_set.get(tag_of("FrameIncrementPointer"), {}).get("Value"):
        return
    draft.supply("FrameIncrementPointer", "00181063")
    draft.supply("FrameTime", f"{frame_time_ms:.10g}")


def _note_loss(draft: _Draft, method: str, native_bytes: int, stored_bytes: int) -> None:
    draft.derive("LossyImageCompression", "01")
    draft.supply("LossyImageCompressionRatio", f"{max(native_bytes / stored_bytes, 0.01):.6g}")
    draft.supply("LossyImageCompressionMethod", method)


def _take_document(draft: _Draft, parts: Sequence[BulkPart]) -> None:
    if len(parts) > 1:
        raise DecodeError("A document is one part.")
    part = parts[0]
    if part.media_type == "text/plain" and _DOCUMENT not in draft.data_set:
        _take_text(draft, part.content)
        return
    kind = DOCUMENT_TYPES.get(part.media_type)
    if kind is None and part.media_type == OCTETS:
        kind = DOCUMENT_TYPES.get(draft.value("MIMETypeOfEncapsulatedDocument").lower())
    if kind is None:
        raise DecodeError("The media type of a bulk part is none that this server makes an instance of.")
    check_document(kind, part.content)
    draft.is_made = True
    draft.sop_class_uid = kind.sop_class_uid
    draft.supply("Modality", kind.modality)
    if draft.value("MIMETypeOfEncapsulatedDocument").lower() != kind.media_type.lower():
        draft.derive("MIMETypeOfEncapsulatedDocument", kind.media_type)
    draft.derive("EncapsulatedDocumentLength", part.content.length)
    if identifier := cda_identifier(part.content):
        draft.supply("HL7InstanceIdentifier", identifier)
    length = part.content.length
    element = Pieces()
    element.add(element_header(_DOCUMENT, "OB", length + length % 2))
    element.add(part.content)
    if length % 2:
        element.add(b"\0")
    draft.data_set[_DOCUMENT] = {"vr": "OB", ELEMENT: element}


def _take_text(draft: _Draft, content: FileRange) -> None:
    """Make plain text the one content item of a report."""
    if content.length > _MAX_TEXT_BYTES:
        raise DecodeError("The text is longer than this server makes a report of.")
    try:
        text = content.read(0, content.length).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DecodeError("The text is not in UTF-8.") from error
    if "\0" in text or not text.strip():
        raise DecodeError("The text is empty, or none.")
    draft.is_made = True
    draft.sop_class_uid = BASIC_TEXT_SR
    finding = items(
        RelationshipType=("CONTAINS",),
        ValueType=("TEXT",),
        ConceptNameCodeSequence=(code("121071", "DCM", "Finding"),),
        TextValue=(text,),
    )
    draft.supply("ContentSequence", finding)


def _note_originals(draft: _Draft) -> list[DataSet]:
    """Record replaced values in the data set, as the standard asks of whoever changes it (STOW-22)."""
    if not draft.replaced:
        return []
    item = items(
        SourceOfPreviousValues=(),
        AttributeModificationDateTime=(datetime.now(UTC).strftime("%Y%m%d%H%M%S"),),
        ModifyingSystem=("HILUM",),
        ReasonForTheAttributeModification=("CORRECT",),
        ModifiedAttributesSequence=(dict(sorted(draft.replaced.items())),),
    )
    tag = tag_of("OriginalAttributesSequence")
    earlier = draft.data_set.get(tag, {}).get("Value", [])
    draft.data_set[tag] = {"vr": "SQ", "Value": [*earlier, item]}
    return [item]


def _assemble(draft: _Draft, originals: list[DataSet]) -> Made:
    encoded = encode_data_set(dict(sorted(draft.data_set.items())), partial(_one_content, draft.workshop.resolve))
    sop_class_uid, sop_instance_uid = draft.value("SOPClassUID"), draft.value("SOPInstanceUID")
    pieces = Pieces()
    pieces.add(make_head(sop_class_uid, sop_instance_uid, draft.transfer_syntax_uid))
    pieces.extend(encoded.pieces)
    changes = []
    if draft.replaced:
        changes.append((Change.COERCED, "Attributes that contradict the content were corrected."))
    if encoded.doubtful:
        changes.append((Change.DOUBTFUL, "A decimal or integer string is no number; it is kept as it is."))
    return Made(pieces, sop_class_uid, sop_instance_uid, changes, originals)


def _one_content(resolve: ResolveParts, uri: str) -> Content:
    """Return the content of a bulk value that is not pixel data: one part, in octets or text."""
    parts = resolve(uri)
    if len(parts) > 1:
        raise DecodeError("Several parts have the location of one bulk value.")
    return parts[0].content
