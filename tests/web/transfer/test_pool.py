from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from hilum.web.transfer.pool import Pool


class Value:
    """Something that can be referred to weakly."""


def test_a_function_runs_in_a_thread_of_the_pool_with_its_arguments() -> None:
    def function(first: int, *, second: int) -> tuple[int, str]:
        return first + second, threading.current_thread().name

    async def main() -> tuple[int, str]:
        pool = Pool("work", threads=2)
        result = await pool.run(function, 1, second=2)
        pool.close()
        return result

    assert asyncio.run(main()) == (3, "work-1")


@pytest.mark.parametrize(
    ("raised", "caught"), [(KeyError, KeyError), (SystemExit, SystemExit), (StopIteration, RuntimeError)]
)
def test_what_the_function_raises_reaches_the_one_who_waits(
    raised: type[BaseException], caught: type[BaseException]
) -> None:
    def function() -> None:
        raise raised

    async def main() -> None:
        pool = Pool("work", threads=1)
        with pytest.raises(caught):
            await pool.run(function)
        assert await pool.run(lambda: 1) == 1
        pool.close()

    asyncio.run(main())


def test_sequential_work_needs_one_thread_and_no_more_than_the_limit_ever_start() -> None:
    async def main() -> None:
        pool = Pool("work", threads=3)
        names = [await pool.run(lambda: threading.current_thread().name) for _ in range(20)]
        assert set(names) == {"work-1"}
        barrier = threading.Barrier(4)
        waiting = [pool.run(barrier.wait, 5) for _ in range(3)]
        beyond = pool.run(threading.active_count)
        await asyncio.sleep(0.05)
        assert not beyond.done()
        barrier.wait(5)
        await asyncio.gather(*waiting, beyond)
        assert len(pool._threads) == 3
        pool.close()

    asyncio.run(main())


def test_a_result_for_a_cancelled_waiter_is_dropped() -> None:
    async def main() -> None:
        pool = Pool("work", threads=1)
        started, go_on = threading.Event(), threading.Event()
        ran: list[str] = []

        def first() -> None:
            started.set()
            go_on.wait(5)
            ran.append("first")

        running = pool.run(first)
        waiting = pool.run(ran.append, "second")
        await asyncio.to_thread(started.wait, 5)
        running.cancel()
        waiting.cancel()
        go_on.set()
        assert await pool.run(lambda: 1) == 1
        assert ran == ["first"]
        pool.close()

    asyncio.run(main())


def test_an_idle_thread_keeps_nothing_alive() -> None:
    async def main() -> None:
        pool = Pool("work", threads=1)
        value = weakref.ref(await pool.run(Value))
        await asyncio.sleep(0.02)
        gc.collect()
        assert value() is None
        pool.close()

    asyncio.run(main())


def test_closing_lets_work_end_and_takes_no_more() -> None:
    async def main() -> None:
        pool = Pool("work", threads=2)
        done = [pool.run(lambda: 1) for _ in range(5)]
        pool.close(timeout_s=5)
        assert not any(thread.is_alive() for thread in pool._threads)
        assert await asyncio.gather(*done) == [1] * 5
        with pytest.raises(RuntimeError, match="closed"):
            pool.run(lambda: 1)
        released: list[str] = []
        pool.release(lambda: released.append("still"))
        assert released == ["still"]

    asyncio.run(main())


def test_a_loop_that_is_gone_is_no_error() -> None:
    go_on = threading.Event()
    pool = Pool("work", threads=1)

    async def main() -> None:
        pool.run(go_on.wait, 5).cancel()

    asyncio.run(main())
    go_on.set()
    pool.close(timeout_s=5)

    assert not pool._threads[0].is_alive()
