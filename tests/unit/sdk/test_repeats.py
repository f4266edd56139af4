"""When the Python client makes a call again, and what it raises."""

import uuid
from typing import Any

import httpx
import pytest

from ticketremaster_client import (
    ApiError,
    Call,
    NoAnswer,
    RateLimited,
    Repeats,
    StillProcessing,
    Unavailable,
    models,
    operations,
)
from ticketremaster_client.repeats import Attempts, Pause

PAY = operations.post_pay(models.PayRequest(order_id=uuid.uuid4()))
REGISTER = operations.post_auth_register(
    models.Register(email="fan@example.com", phone="+6581234567", password="secret")
)
CANCEL = operations.post_orders_by_order_id_cancel(uuid.uuid4())
PENDING = httpx.Response(202, json={"success": True, "data": {"saga_id": "s-1", "status": "PROCESSING"}})
DONE = httpx.Response(200, json={"success": True, "data": {}})


def attempts(call: Call[Any], **repeats: int) -> Attempts:
    return Attempts(Repeats(**repeats), call, None)


def refusal(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"success": False, "error_code": code, "message": "No.", "correlation_id": "c-1"}
    return httpx.Response(status, json=body, headers=headers)


def test_retry_after_is_obeyed_unless_it_is_too_long() -> None:
    registration = attempts(REGISTER)
    assert registration.pause_after(refusal(429, "RATE_LIMITED", **{"Retry-After": "3"})) == Pause(3.0)
    with pytest.raises(RateLimited) as refused:
        registration.pause_after(refusal(429, "RATE_LIMITED", **{"Retry-After": "31"}))
    assert (refused.value.retry_after, refused.value.correlation_id) == (31.0, "c-1")


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (refusal(503, "SERVICE_UNAVAILABLE"), Unavailable),
        (refusal(409, "REQUEST_IN_PROGRESS"), ApiError),
        (NoAnswer("reset"), NoAnswer),
    ],
)
def test_call_without_an_outcome_is_repeated_only_if_that_is_safe(
    answer: httpx.Response | NoAnswer, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        attempts(REGISTER).pause_after(answer)
    payment = attempts(PAY, attempts=3)
    pauses = [payment.pause_after(answer) for _ in range(2)]
    assert [0.375 <= pause.seconds <= 1.0 for pause in pauses if pause] == [True, True]
    with pytest.raises(raised):
        payment.pause_after(answer)


def test_work_that_goes_on_is_asked_for_again_under_its_key() -> None:
    payment = attempts(PAY, attempts=2)
    assert payment.pause_after(PENDING)
    assert payment.pause_after(DONE) is None
    with pytest.raises(StillProcessing) as pending:
        attempts(CANCEL).pause_after(PENDING)
    assert pending.value.data["saga_id"] == "s-1"


def test_refusal_is_final() -> None:
    with pytest.raises(ApiError, match="INSUFFICIENT_CREDITS"):
        attempts(PAY).pause_after(refusal(402, "INSUFFICIENT_CREDITS"))


def test_answer_of_a_proxy_is_an_error_too() -> None:
    with pytest.raises(ApiError) as refused:
        attempts(REGISTER).pause_after(httpx.Response(418, text="<html>"))
    assert (refused.value.status, refused.value.code) == (418, "UNKNOWN")
