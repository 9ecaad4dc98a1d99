from __future__ import annotations

import pytest

from hilum.dicom.transfer_syntaxes import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    HTJ2K_LOSSLESS,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LOSSLESS_SV1,
    LOSSLESS_SYNTAXES,
    LOSSY_SYNTAXES,
    NATIVE_SYNTAXES,
    SYNTAXES,
    VIDEO_SYNTAXES,
)
from hilum.services.studies.offers import (
    ARCHIVE_FILE_OFFERS,
    NEVER_TRAVEL,
    bulk_offers,
    frame_offers,
    is_asked_for,
    object_offers,
    pixel_data_offers,
    usual_offer,
)
from hilum.wire.selection import Acceptable, Offer, Packaging, select

BOTH = (Packaging.MULTIPART, Packaging.SINGLE)
UNKNOWN = "1.2.3.4.5"
EVERY_SYNTAX = [*SYNTAXES, UNKNOWN]


def defaults(offers: tuple[Offer, ...]) -> list[str]:
    """Return the transfer syntaxes that are the default of their media type, in multipart answers."""
    return [offer.transfer_syntax_uid for offer in offers if offer.is_default_syntax and offer.is_default_type]


@pytest.mark.requirement("TSX-01")
@pytest.mark.parametrize("uid", [IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN])
def test_what_never_travels_is_not_offered_and_comes_in_explicit_vr_little_endian(uid: str) -> None:
    offers = object_offers(uid, BOTH)

    assert uid in NEVER_TRAVEL
    assert NEVER_TRAVEL.isdisjoint(offer.transfer_syntax_uid for offer in offers)
    assert offers[0].transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN


@pytest.mark.requirement("TSX-02", "TSX-03")
@pytest.mark.parametrize("uid", EVERY_SYNTAX)
def test_each_object_has_one_default_form(uid: str) -> None:
    kept = uid in LOSSY_SYNTAXES | VIDEO_SYNTAXES | {UNKNOWN}

    found = defaults(object_offers(uid, BOTH))

    if uid in LOSSLESS_SYNTAXES or kept:
        assert found == [uid if kept else EXPLICIT_VR_LITTLE_ENDIAN]
    assert len(found) == 1


@pytest.mark.requirement("TSX-05")
@pytest.mark.parametrize("uid", EVERY_SYNTAX)
def test_an_object_as_stored_comes_first_where_it_may_travel(uid: str) -> None:
    first = object_offers(uid, BOTH)[0]

    assert first.transfer_syntax_uid == (EXPLICIT_VR_LITTLE_ENDIAN if uid in NEVER_TRAVEL else uid)
    assert first.packaging is Packaging.MULTIPART


@pytest.mark.parametrize("uid", EVERY_SYNTAX)
def test_frames_have_one_default_in_multipart_and_forms_that_differ(uid: str) -> None:
    offers = frame_offers(uid, BOTH)

    assert len(defaults(offers)) == 1
    assert len({(offer.packaging, offer.media_type, offer.transfer_syntax_uid) for offer in offers}) == len(offers)
    assert any(offer.media_type == "application/octet-stream" for offer in offers)


@pytest.mark.requirement("WADO-55")
@pytest.mark.parametrize("uid", sorted(VIDEO_SYNTAXES))
def test_video_is_passed_through(uid: str) -> None:
    offers = frame_offers(uid, BOTH)

    assert {offer.transfer_syntax_uid for offer in offers} == {uid}
    assert offers[0].media_type.startswith("video/")


@pytest.mark.requirement("MT-25")
@pytest.mark.parametrize("uid", sorted(LOSSLESS_SYNTAXES | LOSSY_SYNTAXES))
def test_compressed_frames_are_offered_as_stored_and_decoded(uid: str) -> None:
    offers = frame_offers(uid, (Packaging.MULTIPART,))

    assert (offers[0].media_type, offers[0].transfer_syntax_uid) == (SYNTAXES[uid].media_type, uid)
    assert defaults(offers) == [EXPLICIT_VR_LITTLE_ENDIAN]


@pytest.mark.requirement("MT-20", "MT-25")
@pytest.mark.parametrize("uid", sorted(LOSSLESS_SYNTAXES | LOSSY_SYNTAXES | NATIVE_SYNTAXES))
def test_each_media_type_of_frames_has_one_default_syntax_that_loses_nothing_more(uid: str) -> None:
    settled = [
        (offer.media_type, offer.transfer_syntax_uid)
        for offer in frame_offers(uid, (Packaging.MULTIPART,))
        if offer.is_default_syntax
    ]

    types = [media_type for media_type, _ in settled]
    assert len(set(types)) == len(types)
    assert {"image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/jxl", "image/dicom-rle"} <= set(types)
    assert all(syntax == uid or syntax not in LOSSY_SYNTAXES for _, syntax in settled)
    if SYNTAXES[uid].media_type != "image/jpeg" or uid == JPEG_LOSSLESS:
        assert ("image/jpeg", JPEG_LOSSLESS_SV1) in settled


@pytest.mark.parametrize("uid", EVERY_SYNTAX)
def test_only_what_is_not_lossy_is_offered_in_lossy_syntaxes(uid: str) -> None:
    for offers in (object_offers(uid, BOTH), frame_offers(uid, BOTH)):
        others = {offer.transfer_syntax_uid for offer in offers} - {uid}

        assert bool(others & LOSSY_SYNTAXES) == (uid in LOSSLESS_SYNTAXES | NATIVE_SYNTAXES)
        assert bool(others) == (uid in LOSSLESS_SYNTAXES | NATIVE_SYNTAXES | LOSSY_SYNTAXES)


def test_a_lossy_syntax_is_taken_only_where_its_uid_is_named() -> None:
    offer = Offer(Packaging.SINGLE, "application/dicom", JPEG_BASELINE)
    named = Acceptable(f"application/dicom; transfer-syntax={JPEG_BASELINE}")

    assert is_asked_for(offer, EXPLICIT_VR_LITTLE_ENDIAN, named)
    assert is_asked_for(offer, EXPLICIT_VR_LITTLE_ENDIAN, Acceptable("*/*", named.header))
    assert is_asked_for(offer, JPEG_BASELINE, Acceptable("*/*"))
    for header in ("application/dicom; transfer-syntax=*", f"application/dicom; transfer-syntax={JPEG_BASELINE}1"):
        assert not is_asked_for(offer, EXPLICIT_VR_LITTLE_ENDIAN, Acceptable(header))


def test_the_usual_offer_is_the_preferred_one_however_long_the_header() -> None:
    for padding in ("", ", text/x-unknown" * 100):
        acceptable = Acceptable(f"image/jphc{padding}")

        offer = usual_offer(frame_offers, EXPLICIT_VR_LITTLE_ENDIAN, BOTH, acceptable)

        assert offer is not None
        assert (offer.media_type, offer.transfer_syntax_uid) == ("image/jphc", HTJ2K_LOSSLESS)


@pytest.mark.requirement("MT-22")
def test_compressed_pixel_data_of_several_frames_are_no_single_part() -> None:
    single = {
        offer.transfer_syntax_uid
        for offer in pixel_data_offers(EXPLICIT_VR_LITTLE_ENDIAN, BOTH)
        if offer.packaging is Packaging.SINGLE
    }

    assert single == {EXPLICIT_VR_LITTLE_ENDIAN}


@pytest.mark.requirement("WADO-24")
def test_bulk_data_come_in_multipart_by_default_or_alone() -> None:
    multipart, single = bulk_offers("application/octet-stream", BOTH)

    assert (multipart.packaging, multipart.is_default_type) == (Packaging.MULTIPART, True)
    assert (single.packaging, single.is_default_type) == (Packaging.SINGLE, False)
    assert {offer.packaging for offer in bulk_offers("application/octet-stream", BOTH[:1])} == {Packaging.MULTIPART}


@pytest.mark.requirement("WADO-49")
def test_a_document_comes_alone_in_its_own_type_by_default_where_that_can_be_had() -> None:
    offers = bulk_offers("application/pdf", BOTH)
    in_multipart = bulk_offers("application/pdf", BOTH[:1])

    assert [(offer.packaging, offer.media_type) for offer in offers if offer.is_default_type] == [
        (Packaging.SINGLE, "application/pdf")
    ]
    assert [offer.media_type for offer in in_multipart if offer.is_default_type] == ["application/pdf"]
    assert {offer.media_type for offer in offers} == {"application/pdf", "application/octet-stream"}


@pytest.mark.requirement("MT-23")
@pytest.mark.parametrize("uid", sorted(VIDEO_SYNTAXES))
def test_a_video_comes_alone_by_default_where_that_can_be_had(uid: str) -> None:
    assert [offer.packaging for offer in frame_offers(uid, BOTH) if offer.is_default_type] == [Packaging.SINGLE]
    assert [offer.packaging for offer in frame_offers(uid, BOTH[:1]) if offer.is_default_type] == [Packaging.MULTIPART]


@pytest.mark.requirement("PAY-09")
@pytest.mark.parametrize(
    ("accept", "parameters"),
    [
        ("application/zip", ()),
        ("application/zip; dicomdir=true", (("dicomdir", "true"),)),
        ("application/zip; DICOMDIR=true; transfer-syntax=*", (("dicomdir", "true"),)),
        ("application/zip; dicomdir=false", ()),
        ("*/*", None),
        ("multipart/related; type=application/dicom", None),
        ("application/zip; transfer-syntax=1.2.840.10008.1.2.1", None),
    ],
)
def test_an_archive_file_is_selected_by_its_name_alone(accept: str, parameters: object) -> None:
    offer = select(ARCHIVE_FILE_OFFERS, Acceptable(accept))

    assert (None if offer is None else offer.parameters) == parameters
