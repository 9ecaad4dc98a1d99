from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hilum.archive.rewriting.secret import server_key


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = server_key(tmp_path)

    assert len(key) == 32
    assert server_key(tmp_path) == key
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_those_who_make_it_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: server_key(tmp_path), range(32)))

    assert len(keys) == 1
