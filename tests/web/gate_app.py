"""An application behind the gate, for tests with real connections."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from hilum.config import Settings
from hilum.web.gate.metrics import Metrics
from hilum.web.gate.middleware import Gate
from hilum.web.public_url import PublicUrl
from hilum.web.transfer.pool import Pool
from hilum.web.transfer.send import Answer, AnswerResponse, Sender

SETTINGS = Settings(token_file=Path(os.environ["HILUM_TEST_FOLDER"]) / "tokens")
SENDER = Sender(Pool("work", threads=2))


def failing() -> Iterator[bytes]:
    yield b"x" * 1000
    raise OSError("the disk is gone")


async def broken(_: Request) -> AnswerResponse:
    return AnswerResponse(Answer(HTTPStatus.OK, {}, failing(), 5000), SENDER)


app = Gate(
    Starlette(routes=[Route("/broken", broken)]),
    SETTINGS,
    public_url=PublicUrl(SETTINGS.http),
    metrics=Metrics(Path(os.environ["HILUM_TEST_FOLDER"])),
)
