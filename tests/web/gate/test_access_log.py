from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from hilum.config import LogSettings
from hilum.web.gate.access_log import ACCESS_LOGGER, Exchange, configure_logging, log_exchange, path_of

EXCHANGE = Exchange(
    request_id="id-1",
    address="10.0.0.1",
    method="GET",
    route="/studies/{study}",
    path="/studies/1.2",
    status=200,
    milliseconds=1.25,
    bytes_in=0,
    bytes_out=7,
    complete=True,
)


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger(ACCESS_LOGGER).setLevel(logging.NOTSET)


def test_a_request_is_one_line_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogSettings())

    log_exchange(EXCHANGE)

    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "GET /studies/1.2 200 1.2 ms in=0 out=7 route=/studies/{study} from=10.0.0.1 id=id-1" in line


def test_a_request_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogSettings(format="json"))

    log_exchange(EXCHANGE)

    event = json.loads(capsys.readouterr().err)
    assert (event["level"], event["route"], event["status"], event["bytes_out"]) == ("INFO", "/studies/{study}", 200, 7)


def test_requests_need_not_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogSettings(requests=False))

    log_exchange(EXCHANGE)

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("log", [LogSettings(format="text"), LogSettings(format="json")])
def test_an_error_has_its_trace(capsys: pytest.CaptureFixture[str], log: LogSettings) -> None:
    configure_logging(log)

    try:
        raise KeyError("tag")  # noqa: TRY301 - the trace is what is tested
    except KeyError:
        logging.getLogger("hilum").exception("Request %s\nfailed.", "id-1")

    text = capsys.readouterr().err
    assert "KeyError: 'tag'" in text
    assert "Request id-1\\nfailed." in text


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ({"raw_path": b"/a%20b/%00", "path": "/a b/\0"}, "/a%20b/%00"),
        ({"raw_path": b"/a?PatientName=X", "path": "/a"}, "/a"),
        ({"raw_path": b"/a\r\nb", "path": "/"}, "/a%0D%0Ab"),
        ({"path": "/a b\n"}, "/a%20b%0A"),
    ],
)
def test_a_path_is_one_word_without_its_query(scope: dict[str, object], path: str) -> None:
    assert path_of(scope) == path
