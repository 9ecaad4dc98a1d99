from __future__ import annotations

from pathlib import Path

from hilum.cli.demo import load_samples
from hilum.cli.invocation.archives import existing_archive, prepare_beside_server
from hilum.config import Settings


def test_the_samples_are_stored_once(data: Path) -> None:
    settings = Settings(data=data)
    prepare_beside_server(settings)

    first = load_samples(settings)
    again = load_samples(settings)

    with existing_archive(settings) as archive:
        stored = sum(1 for _ in archive.index.rows())
    assert first == again
    assert stored > 80
