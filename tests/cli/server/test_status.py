from __future__ import annotations

import os
import signal

from hilum.cli.server.status import before_end


def test_the_farewell_is_said_once_before_what_the_signal_did_already() -> None:
    said: list[str] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        signal.signal(signal.SIGTERM, lambda _number, _frame: said.append("end"))
        before_end(lambda: said.append("farewell"))

        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert said == ["farewell", "end", "end"]
