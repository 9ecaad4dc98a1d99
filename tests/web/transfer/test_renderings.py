from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message

from hilum.config import RenderingSettings
from hilum.errors import OutOfResources, RequestCutShort
from hilum.web.transfer.renderings import Renderings


async def _stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def _goes() -> Message:
    return {"type": "http.disconnect"}


def run(test: Callable[[Renderings], Awaitable[None]], **settings: int) -> None:
    async def body() -> None:
        renderings = Renderings(RenderingSettings(**settings))
        try:
            await test(renderings)
        finally:
            renderings.close()

    asyncio.run(body())


def test_a_result_comes_back_and_so_does_an_error() -> None:
    async def body(renderings: Renderings) -> None:
        assert await renderings.run(lambda: 7, _stays) == 7
        with pytest.raises(ZeroDivisionError):
            await renderings.run(lambda: 1 // 0, _stays)

    run(body)


def test_what_waits_for_a_user_agent_that_has_gone_is_never_begun() -> None:
    async def body(renderings: Renderings) -> None:
        release, begun = threading.Event(), list[int]()
        first = asyncio.ensure_future(renderings.run(release.wait, _stays))
        await asyncio.sleep(0)
        with pytest.raises(RequestCutShort):
            await renderings.run(lambda: begun.append(1), _goes)
        release.set()
        assert await first
        assert await renderings.run(lambda: 2, _stays) == 2
        assert begun == []

    run(body, jobs=1)


def test_more_than_may_wait_are_refused_at_once() -> None:
    async def body(renderings: Renderings) -> None:
        release = threading.Event()
        waiting = [asyncio.ensure_future(renderings.run(release.wait, _stays)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OutOfResources):
            await renderings.run(lambda: 1, _stays)
        release.set()
        assert await asyncio.gather(*waiting) == [True, True]
        assert await renderings.run(lambda: 1, _stays) == 1

    run(body, jobs=1, waiting=2)
