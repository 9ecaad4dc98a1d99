from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hilum.archive.transcoding.frame_results import FrameKey, FrameResults


def key(index: int, uid: str = "1.2") -> FrameKey:
    return FrameKey("blob", uid, index)


def test_a_kept_result_is_not_worked_out_again() -> None:
    results = FrameResults(10_000)

    first = results.get(key(1), lambda: b"frame")
    again = results.get(key(1), lambda: b"another")

    assert (first, again) == (b"frame", b"frame")
    assert results.get(key(1, "1.3"), lambda: b"other syntax") == b"other syntax"


def test_the_least_recently_used_result_is_dropped_first() -> None:
    results = FrameResults(3 * 1600)
    for index in range(3):
        results.get(key(index), lambda: bytes(1000))
    results.get(key(0), lambda: b"")

    results.get(key(3), lambda: bytes(1000))

    assert results.get(key(0), lambda: b"") == bytes(1000)
    assert results.get(key(1), lambda: b"worked out anew") == b"worked out anew"
    assert results.kept_bytes <= 3 * 1600


@pytest.mark.parametrize("max_bytes", [0, 100])
def test_what_is_larger_than_the_limit_is_not_kept(max_bytes: int) -> None:
    results = FrameResults(max_bytes)

    results.get(key(1), lambda: bytes(1000))

    assert results.get(key(1), lambda: b"anew") == b"anew"
    assert results.kept_bytes == 0


def test_the_same_work_at_the_same_time_is_done_once() -> None:
    results = FrameResults(0)
    started, go_on = threading.Event(), threading.Event()
    calls = []

    def work() -> bytes:
        calls.append(1)
        started.set()
        go_on.wait(10)
        return b"frame"

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(results.get, key(1), work)
        started.wait(10)
        others = [pool.submit(results.get, key(1), work) for _ in range(7)]
        time.sleep(0.05)
        go_on.set()

        assert {first.result(10), *(other.result(10) for other in others)} == {b"frame"}
    assert len(calls) == 1


def test_what_fails_fails_for_all_that_wait_and_is_tried_again_later() -> None:
    results = FrameResults(10_000)
    started, go_on = threading.Event(), threading.Event()

    def work() -> bytes:
        started.set()
        go_on.wait(10)
        raise ValueError("broken")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(results.get, key(1), work)
        started.wait(10)
        other = pool.submit(results.get, key(1), work)
        time.sleep(0.05)
        go_on.set()

        assert isinstance(first.exception(10), ValueError)
        assert isinstance(other.exception(10), ValueError)
    assert results.get(key(1), lambda: b"now it works") == b"now it works"
