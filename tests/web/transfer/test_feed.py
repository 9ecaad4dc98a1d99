from __future__ import annotations

import asyncio

from hilum.store.worklist.records import Report
from hilum.web.transfer.feed import _QUEUED, Receiver


def report(number: int) -> Report:
    return Report((0, number), 0.0, f"1.2.{number}", frozenset({"AE"}), {})


def test_reports_come_in_order() -> None:
    async def run() -> list[tuple[int, int]]:
        receiver = Receiver("AE")
        waiting = asyncio.create_task(receiver.next_report())
        await asyncio.sleep(0)
        for number in (1, 2):
            receiver.offer(report(number))
        return [one.cursor for one in (await waiting, await receiver.next_report()) if one is not None]

    assert asyncio.run(run()) == [(0, 1), (0, 2)]


def test_a_slow_receiver_holds_a_bounded_number_and_reads_on_in_the_log() -> None:
    async def run() -> tuple[Report | None, bool, Report | None]:
        receiver = Receiver("AE")
        receiver.sent = (0, 1)
        for number in range(_QUEUED + 10):
            receiver.offer(report(number))
        overflowed = await receiver.next_report()
        receiver.skip_to((0, 5000))
        kept = receiver.sent == (0, 1) and receiver.has_overflowed
        receiver.start_over()
        receiver.offer(report(9999))
        return overflowed, kept, await receiver.next_report()

    overflowed, kept, following = asyncio.run(run())
    assert overflowed is None
    assert kept
    assert following == report(9999)


def test_a_receiver_ends_with_the_server() -> None:
    async def run() -> Report | None:
        receiver = Receiver("AE")
        asyncio.get_running_loop().call_later(0.01, receiver.close)
        return await receiver.next_report()

    assert asyncio.run(run()) is None


def test_what_is_for_others_moves_a_receiver_on() -> None:
    async def run() -> list[tuple[int, int]]:
        receiver = Receiver("AE")
        positions = []
        receiver.skip_to((0, 5))
        positions.append(receiver.sent)
        receiver.sent = (0, 2)
        receiver.skip_to((0, 5))
        positions.append(receiver.sent)
        receiver.offer(report(6))
        receiver.skip_to((0, 7))
        return [*positions, receiver.sent]

    # (0, 0): the start of the replay is not known yet.
    assert asyncio.run(run()) == [(0, 0), (0, 5), (0, 5)]
