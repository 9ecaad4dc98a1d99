from __future__ import annotations

import os
import threading

import pytest

from hilum.archive.codec_work import CodecWork

CORES = frozenset(os.sched_getaffinity(0))


def test_no_more_threads_than_slots_hold_one_at_once() -> None:
    work = CodecWork(slots=2, cores=CORES)
    holding, most = 0, 0
    lock = threading.Lock()
    meet = threading.Barrier(2)

    def hold() -> None:
        nonlocal holding, most
        with work:
            with lock:
                holding += 1
                most = max(most, holding)
            meet.wait(10)
            with lock:
                holding -= 1

    threads = [threading.Thread(target=hold) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert most == 2


@pytest.mark.skipif(len(CORES) < 2, reason="this machine has one core")
def test_a_thread_that_is_kept_on_one_core_may_use_the_others_while_it_holds_a_slot() -> None:
    seen: list[set[int]] = []

    def run() -> None:
        os.sched_setaffinity(0, {min(CORES)})
        work = CodecWork(slots=1, cores=CORES)
        with work:
            seen.append(os.sched_getaffinity(0))
        seen.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)

    assert seen == [set(CORES), {min(CORES)}]


def test_a_failing_codec_gives_its_slot_back() -> None:
    work = CodecWork(slots=1, cores=CORES)
    with pytest.raises(ValueError, match="broken"), work:
        raise ValueError("broken")

    with work:
        pass
