"""Stored instances without what tells whose they are: as objects, and as sources of rendering (PS3.15 Annex E)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hilum.archive.archive import Archive
from hilum.archive.rendering.sources import source_of
from hilum.archive.rewriting.header import Header, read_header
from hilum.archive.rewriting.objects import Codestreams, Form, Treatment, rewritten
from hilum.archive.rewriting.secret import server_key
from hilum.dicom.confidentiality.blacking_out import blacked_out
from hilum.dicom.confidentiality.burned_in import CannotClean, Region, refuse_embedded_overlays, regions_to_keep
from hilum.dicom.confidentiality.profile import deidentify
from hilum.dicom.reading.fallback import quietly
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, LOSSLESS_SYNTAXES, NATIVE_SYNTAXES, VIDEO_SYNTAXES
from hilum.errors import NotAcceptable
from hilum.render.attributes import Attributes
from hilum.render.source import Pixels, Source
from hilum.store.rows.records import StoredInstance


def deidentified_object(instance: StoredInstance, transfer_syntax_uid: str | None, *, archive: Archive) -> Form:
    """Return an instance de-identified.

    Args:
        instance: as stored.
        transfer_syntax_uid: wanted; None: Explicit VR Little Endian, or as stored where the pixels are lossy and stay.
        archive: where it is stored.

    Raises:
        NotAcceptable: it is a document, identity in its pixels cannot be ruled out, or it has no form in the syntax.
        PayloadTooLarge: its header is too large.

    Source: PS3.18 9.4.1.2.1, PS3.15 E.2, E.3.1.
    """
    header, kept = _cleaned(instance, archive)
    if transfer_syntax_uid is None:
        stays = kept is None and instance.transfer_syntax_uid not in NATIVE_SYNTAXES | LOSSLESS_SYNTAXES
        transfer_syntax_uid = instance.transfer_syntax_uid if stays else EXPLICIT_VR_LITTLE_ENDIAN
    if instance.transfer_syntax_uid in VIDEO_SYNTAXES:
        raise NotAcceptable("Videos are not de-identified: their streams may hold text beside pixels.")
    return rewritten(instance, header, transfer_syntax_uid, Treatment(kept, Codestreams.CLEANED), archive=archive)


def _cleaned(instance: StoredInstance, archive: Archive) -> tuple[Header, Sequence[Region] | None]:
    """Return the de-identified header, and the regions of pixels that may stay."""
    header = read_header(instance, archive=archive)
    data_set = header.data_set
    if "ContentSequence" in data_set or "EncapsulatedDocument" in data_set:
        raise NotAcceptable("Documents are not de-identified: who is meant may stand anywhere in them.")
    kept: Sequence[Region] | None = None
    with quietly():
        try:
            if header.pixel_data is not None:
                refuse_embedded_overlays(data_set)
                kept = regions_to_keep(data_set)
            deidentify(data_set, key=server_key(archive.settings.data))
        except CannotClean as error:
            raise NotAcceptable(str(error)) from error
        except Exception as error:
            # pydicom raises whatever a malformed value makes it trip over; half cleaned is not cleaned.
            raise NotAcceptable("The instance cannot be de-identified.") from error
    if header.pixel_data is not None:
        data_set.BurnedInAnnotation = "NO"
    return header, kept


def deidentified_attributes(instance: StoredInstance, *, archive: Archive) -> dict[str, Any]:
    """Return the attributes of a de-identified instance in the DICOM JSON Model; bulk values are left empty.

    Raises:
        NotAcceptable, PayloadTooLarge: as `deidentified_object`.
    """
    header, _ = _cleaned(instance, archive)
    threshold = archive.settings.store.bulk_threshold_bytes
    with quietly():
        model = header.data_set.to_json_dict(
            bulk_data_threshold=threshold, bulk_data_element_handler=lambda element: element.keyword
        )
    return _without_bulk_data(model)


def _without_bulk_data(model: dict[str, Any]) -> dict[str, Any]:
    """Return a data set with empty attributes in the place of bulk data, also within sequences."""
    kept: dict[str, Any] = {}
    for tag, element in model.items():
        if "BulkDataURI" in element:
            kept[tag] = {"vr": element["vr"]}
        elif element.get("vr") == "SQ":
            kept[tag] = {**element, "Value": [_without_bulk_data(item) for item in element.get("Value", ())]}
        else:
            kept[tag] = element
    return kept


def deidentified_source(instance: StoredInstance, *, archive: Archive) -> Source:
    """Return an instance as the rendering pipeline takes it, de-identified; stored codestreams are never passed on.

    Raises:
        NotAcceptable: as `deidentified_object`, or it has no pixels that are shown.
    """
    source = source_of(instance, archive=archive)
    header, kept = _cleaned(instance, archive)
    pixels = source.pixels
    if pixels is None or instance.transfer_syntax_uid in VIDEO_SYNTAXES:
        raise NotAcceptable("The instance has no pixels that are rendered de-identified.")
    with quietly():
        attributes = Attributes(header.data_set.to_json_dict(bulk_data_threshold=2**31))
    frame = pixels.frame if kept is None else partial(_shown, pixels, kept)
    return replace(
        source,
        # What is shown is encoded anew: codestreams may carry comments.
        transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN,
        attributes=attributes,
        pixels=replace(pixels, frame=frame, stored_frame=frame),
        read_object=_no_object,
        resource_path="",
    )


def _shown(pixels: Pixels, kept: Sequence[Region], frame_index: int) -> bytes:
    try:
        return blacked_out(pixels.frame(frame_index), pixels.format, kept)
    except CannotClean as error:
        raise NotAcceptable(str(error)) from error


def _no_object() -> bytes:
    raise NotAcceptable("The stored object is not given out.")
