"""One core for each worker: a worker's threads take turns, and turns are cheap only on one core.

A worker runs Python in one thread at a time. Spread over cores, each turn wakes another core, moves caches and costs
more than the work of a small answer. What runs beside Python, decoding and encoding pixels, still takes any core.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO


def settle(folder: Path) -> BinaryIO | None:
    """Keep this process, and the threads that it starts from now on, on a core that no other worker has settled on.

    With more workers than cores the last ones stay free. A core is free again once its worker has ended, however.

    Args:
        folder: of the lock files, shared by the workers of one server; made if missing.

    Returns:
        What holds the core, to be kept as long as the process lives; None: the process has the choice of all cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for core in cores:
        claim = (folder / f"core-{core}.lock").open("ab")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.close()
            continue
        os.sched_setaffinity(0, {core})
        return claim
    return None
