from __future__ import annotations

from http import HTTPStatus

import orjson
import pytest
from starlette.exceptions import HTTPException

from hilum import errors
from hilum.web.errors import STATUS_CODES, framework_answer, status_of, transaction_answer, unforeseen_answer


def test_every_error_has_a_status_code() -> None:
    assert set(STATUS_CODES) == set(errors.TransactionError.__subclasses__())


def test_a_narrower_error_has_the_status_of_its_base() -> None:
    narrower = type("Narrower", (errors.InvalidRequest,), {})

    assert status_of(narrower("x")) is HTTPStatus.BAD_REQUEST


@pytest.mark.requirement("STAT-17")
@pytest.mark.parametrize("error", STATUS_CODES)
def test_every_failure_is_explained_in_short_text(error: type[errors.TransactionError]) -> None:
    answer = transaction_answer(error("The reason."), "")

    assert answer.status is STATUS_CODES[error]
    assert isinstance(answer.body, bytes)
    assert answer.body.startswith(b"The reason.")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.requirement("HDR-06")
def test_a_missing_token_is_asked_for() -> None:
    assert transaction_answer(errors.NotAuthenticated(), "").headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.requirement("STAT-17")
def test_a_temporary_failure_says_when_to_try_again() -> None:
    answer = transaction_answer(errors.OutOfResources("The storage is full."), "")

    assert answer.headers["Retry-After"] == "30"
    assert b"temporary" in answer.body


@pytest.mark.requirement("STAT-18")
@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json", "application/json"),
        ("application/dicom+json", "application/json"),
        ("application/dicom+json, */*;q=0.1", "application/json"),
        ("*/*", "text/plain; charset=utf-8"),
        ("text/html, application/json;q=0.5, text/*;q=0.9", "text/plain; charset=utf-8"),
        ('multipart/related; type="application/dicom"', "text/plain; charset=utf-8"),
    ],
)
def test_the_body_is_json_for_those_who_prefer_it(accept: str, content_type: str) -> None:
    answer = transaction_answer(errors.TargetGone("It was deleted."), accept)

    assert answer.headers["Content-Type"] == content_type
    if content_type == "application/json":
        assert orjson.loads(answer.body) == {"error": "It was deleted."}  # type: ignore[arg-type]  # bytes, as every error body


@pytest.mark.requirement("HDR-06")
def test_what_the_routes_refuse_has_the_same_form() -> None:
    answer = framework_answer(HTTPException(405, headers={"Allow": "GET"}), "")

    assert (answer.status, answer.headers["Allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "GET")
    assert answer.body == b"The resource does not support this method.\n"


def test_what_nobody_foresaw_tells_the_request_id_and_nothing_else() -> None:
    answer = unforeseen_answer("abc", "")

    assert answer.status is HTTPStatus.INTERNAL_SERVER_ERROR
    assert answer.body == b"The origin server failed to carry out the request. Request id: abc.\n"
