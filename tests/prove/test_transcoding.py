"""Every packaged image in every transfer syntax that it can be turned into."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from archives import opened, take_in
from hilum.dicom.transfer_syntaxes import VIDEO_SYNTAXES
from hilum.errors import NotAcceptable
from hilum.store.blobs.folder import FolderBlobs
from samples import packaged_objects
from transcoded import check, explicit, read, targets

WITHOUT_A_SECOND_DECODER = {
    # pydicom takes their pixels for something else than their attributes say, or warns and gives none.
    "JPEG2000-embedded-sequence-delimiter.dcm",
}


@pytest.mark.prove
def test_every_packaged_image_keeps_its_samples_in_every_syntax(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> None:
    data = tmp_path_factory.mktemp("archive")
    FolderBlobs.create(data)
    (data / "index.db").write_bytes(sqlite_template.read_bytes())
    pairs, failures = 0, []

    with opened(data) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, path in packaged_objects().items():
            result = take_in(archive, path.read_bytes())
            if result.failure is not None:
                continue
            uids = result.study_instance_uid, result.series_instance_uid, result.sop_instance_uid
            instance = archive.index.find_instance(*uids)
            if instance.transfer_syntax_uid in VIDEO_SYNTAXES:
                continue
            found = list(targets(instance, archive))
            try:
                original = read(explicit(instance, archive))
            except NotAcceptable:
                assert name in WITHOUT_A_SECOND_DECODER
                continue
            for uid in found:
                pairs += 1
                try:
                    check(instance, uid, original, archive)
                except Exception as error:  # noqa: BLE001 - what failed is named at the end
                    failures.append(f"{name} {uid}: {error!r:.300}")

    assert not failures, "\n".join(failures)
    assert pairs > 1000
