"""Ten thousand mutated objects end in a valid result or a DecodeError, in bounded time and memory."""

from __future__ import annotations

import os
import random
import resource
import time

import pytest

from hilum.dicom.reading.instance import DecodeError
from samples import packaged_objects
from scanning import read

COUNT = int(os.environ.get("PROVE_MUTATIONS", "10000"))
MAX_SOURCE_BYTES = 60_000
MAX_SECONDS = 5.0
MAX_GROWTH_MB = 150


def mutated(blob: bytes, rng: random.Random) -> bytes:
    """Return `blob` with a few bytes changed, removed, inserted or doubled, most of them in its header."""
    data = bytearray(blob)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(min(len(data), rng.choice((400, 3000, len(data)))))
        size = rng.choice((1, 1, 2, 4, 8, 200))
        match rng.randrange(6):
            case 0 | 1:
                data[at] = rng.randrange(256)
            case 2:
                data[at : at + 4] = rng.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xfe\xff\x00\xe0", b"SQ\0\0", b"UN\0\0")
                )
            case 3:
                del data[at : at + size]
            case 4:
                data[at:at] = rng.randbytes(size)
            case _:
                data[at:at] = data[at : at + size]
    return bytes(data)


def check(count: int, seed: int) -> None:
    sources = [path.read_bytes() for path in packaged_objects().values() if path.stat().st_size <= MAX_SOURCE_BYTES]
    rng = random.Random(seed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        blob = mutated(rng.choice(sources), rng)
        started = time.process_time()
        try:
            scanned = read(blob)
        except DecodeError:
            scanned = None
        assert time.process_time() - started < MAX_SECONDS, f"mutation {number} of seed {seed}"
        if scanned is not None:
            assert all(value.offset + value.length <= len(scanned.wire) for value in scanned.instance.bulk)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MAX_GROWTH_MB


@pytest.mark.prove
def test_no_mutation_ends_in_anything_else() -> None:
    check(COUNT, seed=1)


def test_no_mutation_of_a_few_hundred_does() -> None:
    check(300, seed=2)
