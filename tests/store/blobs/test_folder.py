from __future__ import annotations

import io
from pathlib import Path

import pytest

from hilum.errors import OutOfResources
from hilum.store.blobs.folder import FolderBlobs
from hilum.store.blobs.protocol import BlobStore, Part


class BlobStoreContract:
    """What every blob store must do; a store's own test class adds the `blobs` fixture."""

    def test_a_published_object_reads_back_by_range(self, blobs: BlobStore) -> None:
        staged = blobs.stage()
        staged.write(b"0123")
        staged.write(memoryview(b"456789"))

        blobs.publish(staged)

        assert bytes(staged.buffer()) == b"0123456789"
        assert blobs.read(staged.blob_id, Part.OBJECT, 3, 3) == b"345"
        assert blobs.read(staged.blob_id, Part.OBJECT, 8, 100) == b"89"
        assert blobs.size(staged.blob_id, Part.OBJECT) == 10

    def test_a_staged_object_is_invisible(self, blobs: BlobStore) -> None:
        staged = blobs.stage()
        staged.write(b"half")

        with pytest.raises(FileNotFoundError):
            blobs.read(staged.blob_id, Part.OBJECT, 0, 4)
        assert list(blobs.parts()) == []

    def test_it_is_unsettled_until_the_index_knows_it(self, blobs: BlobStore) -> None:
        staged = blobs.stage()
        staged.write(b"x")
        blobs.publish(staged)
        before = {blob_id for blob_id, _ in blobs.unsettled()}

        blobs.settle(staged)

        assert before == {staged.blob_id}
        assert list(blobs.unsettled()) == []
        assert blobs.read(staged.blob_id, Part.OBJECT, 0, 1) == b"x"

    def test_settling_by_id_also_drops_what_another_process_left(self, blobs: BlobStore) -> None:
        staged = blobs.stage()
        staged.write(b"x")
        staged.close()

        blobs.settle_id(staged.blob_id)

        assert list(blobs.unsettled()) == []

    def test_discarding_after_publishing_leaves_nothing(self, blobs: BlobStore) -> None:
        staged = blobs.stage()
        staged.write(b"x")
        blobs.put(staged.blob_id, Part.WIRE, b"y")
        blobs.publish(staged)

        staged.discard()

        assert list(blobs.parts()) == []
        assert list(blobs.unsettled()) == []

    def test_sidecars_come_from_bytes_and_files_and_are_replaced(self, blobs: BlobStore) -> None:
        staged = blobs.stage()
        blobs.put(staged.blob_id, Part.METADATA, b"first")
        blobs.put(staged.blob_id, Part.METADATA, io.BytesIO(b"second"))
        staged.discard()
        blobs.put(staged.blob_id, Part.TOMBSTONE, b"")

        assert blobs.size(staged.blob_id, Part.METADATA) is None
        assert [(blob_id, part) for blob_id, part, _ in blobs.parts()] == [(staged.blob_id, Part.TOMBSTONE)]

    def test_deleting_what_is_not_there_is_no_error(self, blobs: BlobStore) -> None:
        blobs.delete("0" * 32, Part.OBJECT)

        assert blobs.size("0" * 32, Part.OBJECT) is None

    def test_an_empty_object_has_an_empty_buffer(self, blobs: BlobStore) -> None:
        assert bytes(blobs.stage().buffer()) == b""

    def test_a_spool_reads_back(self, blobs: BlobStore) -> None:
        with blobs.open_spool() as spool:
            spool.write(b"abc")
            spool.seek(0)

            assert spool.read() == b"abc"


class TestFolderBlobs(BlobStoreContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobStore:
        FolderBlobs.create(tmp_path)
        return FolderBlobs(tmp_path)

    def test_a_draft_is_no_staged_object_and_is_dropped_when_it_is_old(self, blobs: BlobStore, tmp_path: Path) -> None:
        draft = tmp_path / "staging" / f"{'0' * 32}.wire"
        draft.write_bytes(b"half")
        written = draft.stat().st_mtime

        assert list(blobs.unsettled()) == []
        assert blobs.drop_drafts(written - 1) == 0
        assert blobs.drop_drafts(written) == 1
        assert not draft.exists()

    def test_the_reserve_stays_free(self, tmp_path: Path) -> None:
        FolderBlobs.create(tmp_path)
        staged = FolderBlobs(tmp_path, reserve_bytes=1 << 60).stage()

        with pytest.raises(OutOfResources):
            staged.write(b"x")
        staged.discard()
