from __future__ import annotations

import time

from hilum.cli.agent.pace import Pace


def test_without_a_limit_nothing_waits() -> None:
    began = time.monotonic()

    assert list(Pace(0).through(iter([b"x" * 1_000_000]))) == [b"x" * 1_000_000]
    assert time.monotonic() - began < 1


def test_bytes_pass_no_faster_than_agreed() -> None:
    pace = Pace(100_000)
    began = time.monotonic()

    chunks = list(pace.through(iter([b"x" * 10_000] * 4)))

    assert len(chunks) == 4
    assert time.monotonic() - began >= 0.3
