from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import pytest

from hilum.viewer.installation import (
    ViewerDamaged,
    find_installation,
    install,
    install_files,
    record_stamp,
    remove,
)
from hilum.viewer.package import PackageRefused
from hilum.viewer.release import OHIF
from viewer_packages import FILES, SCRIPT, install_small, packed, release_of


def test_an_installed_viewer_is_found_with_all_of_its_files(tmp_path: Path) -> None:
    archive = tmp_path / "viewer.tgz"
    archive.write_bytes(packed(FILES))

    installed = install(archive, release_of(archive.read_bytes(), "9.9.9"), tmp_path / "data")

    assert find_installation(tmp_path / "data") == installed
    assert (installed.package, installed.version) == ("@ohif/app", "9.9.9")
    assert installed.missing() == []
    assert installed.size_bytes == sum(path.stat().st_size for path in installed.folder.rglob("*") if path.is_file())


def test_large_text_is_kept_compressed_too(tmp_path: Path) -> None:
    installed = install_small(tmp_path)

    content = installed.path(SCRIPT, "identity").read_bytes()
    assert set(installed.files[SCRIPT]) == {"identity", "br", "gzip"}
    assert imagecodecs.brotli_decode(installed.path(SCRIPT, "br").read_bytes()) == content
    assert gzip.decompress(installed.path(SCRIPT, "gzip").read_bytes()) == content
    assert set(installed.files["assets/favicon.ico"]) == {"identity"}


def test_the_same_files_make_the_same_build_and_others_another(tmp_path: Path) -> None:
    first = install_small(tmp_path / "1")
    same = install_small(tmp_path / "2", version="2.0.0")
    other = install_small(tmp_path / "3", FILES | {"dist/extra.js": b"more"})

    assert first.build == same.build != other.build


def test_a_new_installation_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    old = install_small(tmp_path)
    stamp = record_stamp(tmp_path)
    new = install_small(tmp_path, FILES | {"dist/extra.js": b"more"}, "2.0.0")

    assert find_installation(tmp_path) == new
    assert record_stamp(tmp_path) != stamp
    assert not old.folder.exists()
    assert sorted(path.name for path in (tmp_path / "viewer").iterdir()) == sorted(
        ["installed.json", "lock", new.build]
    )


def test_installing_again_repairs_what_is_damaged(tmp_path: Path) -> None:
    installed = install_small(tmp_path)
    installed.path(SCRIPT, "br").write_bytes(b"cut")
    installed.path("app.bundle.css", "identity").unlink()
    damaged = installed.missing()

    again = install_small(tmp_path)

    assert set(damaged) == {SCRIPT, "app.bundle.css"}
    assert again.missing() == []


def test_an_installation_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    installed = install_small(tmp_path)

    def broken() -> Iterator[tuple[str, bytes]]:
        yield "new.js", b"1"
        raise PackageRefused("It is broken.")

    with pytest.raises(PackageRefused):
        install_files(broken(), OHIF, tmp_path)

    assert find_installation(tmp_path) == installed
    assert installed.missing() == []
    assert not list((tmp_path / "viewer").glob("new-*"))


def test_nothing_is_unpacked_of_an_archive_that_is_not_the_release(tmp_path: Path) -> None:
    archive = tmp_path / "viewer.tgz"
    archive.write_bytes(packed(FILES))

    with pytest.raises(PackageRefused, match=r"is not @ohif/app"):
        install(archive, OHIF, tmp_path / "data")

    assert not (tmp_path / "data").exists()


def test_what_a_crash_left_goes_with_the_next_installation(tmp_path: Path) -> None:
    (tmp_path / "viewer" / "new-0123").mkdir(parents=True)
    (tmp_path / "viewer" / "new-0123" / "a.js").write_bytes(b"1")
    (tmp_path / "viewer" / "new-4567").write_bytes(b"{")

    install_small(tmp_path)

    assert not list((tmp_path / "viewer").glob("new-*"))


def test_a_removed_viewer_is_gone(tmp_path: Path) -> None:
    install_small(tmp_path)

    assert remove(tmp_path)
    assert find_installation(tmp_path) is None
    assert record_stamp(tmp_path) is None
    assert [path.name for path in (tmp_path / "viewer").iterdir()] == ["lock"]
    assert not remove(tmp_path)
    assert not remove(tmp_path / "no such folder")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"build": "a"}', b"\xff"])
def test_a_broken_record_is_said_to_be_one(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "viewer").mkdir()
    (tmp_path / "viewer" / "installed.json").write_bytes(text)

    with pytest.raises(ViewerDamaged, match="install it again"):
        find_installation(tmp_path)
