from __future__ import annotations

from hilum.web.transfer.kept_bodies import KeptBodies


def test_the_least_lately_used_payloads_go_first() -> None:
    kept = KeptBodies(800)
    for number in range(8):
        kept.keep(f'"{number}"', bytes(100))
    assert kept.find('"0"') is not None

    kept.keep('"8"', bytes(100))
    kept.keep('"too long"', bytes(101))

    assert kept.find('"1"') is None
    assert all(kept.find(f'"{number}"') == bytes(100) for number in (0, 2, 3, 4, 5, 6, 7, 8))
    assert kept.find('"too long"') is None


def test_a_payload_that_is_kept_twice_counts_once() -> None:
    kept = KeptBodies(800)
    for _ in range(20):
        kept.keep('"a"', bytes(100))
        kept.keep('"b"', bytes(90))

    assert kept.find('"a"') == bytes(100)


def test_no_room_keeps_nothing() -> None:
    kept = KeptBodies(0)
    kept.keep('"a"', b"x")

    assert kept.find('"a"') is None
