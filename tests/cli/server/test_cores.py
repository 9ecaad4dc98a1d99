from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from hilum.cli.server.cores import settle

CORES = sorted(os.sched_getaffinity(0))
several_cores = pytest.mark.skipif(len(CORES) < 2, reason="this machine has one core")


def settled(folder: Path, answers: multiprocessing.Queue[set[int]], release: multiprocessing.synchronize.Event) -> None:
    claim = settle(folder)
    answers.put(os.sched_getaffinity(0))
    release.wait(30)
    del claim


def cores_of(folder: Path, count: int) -> list[set[int]]:
    """Return the cores that so many workers have at the same time."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[set[int]] = context.Queue()
    release = context.Event()
    workers = [context.Process(target=settled, args=(folder, answers, release)) for _ in range(count)]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=30) for _ in workers]
    release.set()
    for worker in workers:
        worker.join(30)
    return found


@several_cores
def test_each_worker_has_a_core_of_its_own_and_more_workers_than_cores_are_free(tmp_path: Path) -> None:
    found = cores_of(tmp_path, len(CORES) + 1)

    assert sorted(min(cores) for cores in found if len(cores) == 1) == CORES
    assert sum(cores == set(CORES) for cores in found) == 1


@several_cores
def test_a_core_is_free_again_once_its_worker_has_ended(tmp_path: Path) -> None:
    cores_of(tmp_path, 1)

    assert cores_of(tmp_path, 1) == [{CORES[0]}]
