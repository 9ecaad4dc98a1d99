"""One instance as it travels in a wanted transfer syntax, or in the one that is the default for it."""

from __future__ import annotations

from functools import partial
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.objects import as_received, has_travelling_blob, wire_bytes, wire_length
from hilum.archive.pixels import decode_object, decoded_bytes
from hilum.archive.rewriting.objects import Form
from hilum.archive.transcoding.objects import deflated_bytes, transcode_object, transcoded_bytes
from hilum.dicom.pixels.encode import ENCODERS
from hilum.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    LOSSLESS_SYNTAXES,
    LOSSY_SYNTAXES,
    NATIVE_SYNTAXES,
)
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance

_NEVER_TRAVEL: Final = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})
ANY: Final = "*"
"""Asks for whatever costs least: as stored."""


def travelling_object(instance: StoredInstance, wanted: str | None, *, archive: Archive) -> Form:
    """Return an instance in a transfer syntax.

    Args:
        instance: as stored.
        wanted: a UID, `*`, or None: Explicit VR Little Endian, but what is lossy or does not fit it as stored (TSX-03).
        archive: where it is stored.

    Raises:
        NotAcceptable: it has no form in the syntax; the message names those that it has.
    """
    stored = instance.transfer_syntax_uid
    if wanted == ANY or (wanted == stored and stored not in _NEVER_TRAVEL):
        return _as_stored(instance, archive)
    if wanted is None and stored not in NATIVE_SYNTAXES | LOSSLESS_SYNTAXES:
        return _as_stored(instance, archive)
    if wanted in (None, EXPLICIT_VR_LITTLE_ENDIAN):
        try:
            return _explicit(instance, archive)
        except NotAcceptable:
            if wanted is None and stored not in NATIVE_SYNTAXES:
                return _as_stored(instance, archive)
            raise
    if wanted == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN and stored in NATIVE_SYNTAXES:
        explicit = _explicit(instance, archive)
        return Form(wanted, None, lambda: deflated_bytes(explicit.chunks(), archive=archive))
    if wanted in ENCODERS and stored in NATIVE_SYNTAXES | LOSSLESS_SYNTAXES | LOSSY_SYNTAXES:
        transcoded = transcode_object(instance, wanted, archive=archive)
        return Form(wanted, None, partial(transcoded_bytes, instance, transcoded, archive=archive))
    available = dict.fromkeys((EXPLICIT_VR_LITTLE_ENDIAN, *(() if stored in _NEVER_TRAVEL else (stored,))))
    raise NotAcceptable(f"Available transfer syntaxes: {', '.join(available)}.")


def _as_stored(instance: StoredInstance, archive: Archive) -> Form:
    stored = instance.transfer_syntax_uid
    if has_travelling_blob(instance, archive=archive) and stored not in _NEVER_TRAVEL:
        instance = as_received(instance)
    elif stored in NATIVE_SYNTAXES:
        stored = EXPLICIT_VR_LITTLE_ENDIAN
    return _wire(instance, stored, archive)


def _explicit(instance: StoredInstance, archive: Archive) -> Form:
    if instance.transfer_syntax_uid in NATIVE_SYNTAXES:
        return _wire(instance, EXPLICIT_VR_LITTLE_ENDIAN, archive)
    if instance.transfer_syntax_uid not in LOSSLESS_SYNTAXES | LOSSY_SYNTAXES:
        raise NotAcceptable(f"Available transfer syntaxes: {instance.transfer_syntax_uid}.")
    decoded = decode_object(instance, archive=archive)
    return Form(EXPLICIT_VR_LITTLE_ENDIAN, decoded.length, partial(decoded_bytes, instance, decoded, archive=archive))


def _wire(instance: StoredInstance, transfer_syntax_uid: str, archive: Archive) -> Form:
    return Form(transfer_syntax_uid, wire_length(instance), partial(wire_bytes, instance, archive=archive))
