"""When a client sends a call again, and what it raises. Each test is the platform that a call talks to."""

from typing import Any

import httpx
import pytest

from ticketremaster_client import ApiError, NoAnswer, Operation, RateLimited, Tokens
from ticketremaster_client.calls import Calls, Pause, Steps

READ = Operation("GET", "/api/orders/{order_id}")
PAY = Operation("POST", "/api/pay", takes_key=True)
REGISTER = Operation("POST", "/api/auth/register")
DONE = httpx.Response(200, json={"success": True, "data": {"done": True}})


def calls(**changes: Any) -> Calls:
    return Calls(base_url="https://shop.example", **changes)


def steps_of(operation: Operation, used: Calls, **call: Any) -> Steps:
    own: dict[str, Any] = {"path": {}, "query": None, "body": None, "idempotency_key": None}
    return used.steps(operation, **own | call)


def refusal(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"success": False, "error_code": code, "message": "No.", "correlation_id": "c-1"}
    return httpx.Response(status, json=body, headers=headers)


def ended(steps: Steps, answer: httpx.Response) -> Any:
    with pytest.raises(StopIteration) as end:
        steps.send(answer)
    return end.value.value


def sent(step: object) -> httpx.Request:
    assert isinstance(step, httpx.Request)
    return step


def test_path_is_quoted_and_the_answers_data_returned() -> None:
    steps = steps_of(READ, calls(), path={"order_id": "a/b"}, query={"page": 2})
    assert str(sent(next(steps)).url) == "https://shop.example/api/orders/a%2Fb?page=2"
    assert ended(steps, DONE) == {"done": True}


def test_expired_login_is_renewed_once_and_the_call_repeated_under_its_key() -> None:
    stored: list[Tokens] = []
    steps = steps_of(PAY, calls(tokens=Tokens("old", "r-1"), on_tokens=stored.append), body={"order_id": "1"})
    first = sent(next(steps))
    renewal = sent(steps.send(refusal(401, "TOKEN_EXPIRED")))
    assert (renewal.url.path, renewal.headers["Authorization"]) == ("/api/auth/refresh", "Bearer r-1")
    tokens = {"access_token": "new", "refresh_token": "r-2", "token_type": "bearer", "expires_in": 900}
    again = sent(steps.send(httpx.Response(200, json={"success": True, "data": tokens})))
    assert again.headers["Authorization"] == "Bearer new"
    assert again.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]
    assert again.content == first.content
    assert stored == [Tokens("new", "r-2")]
    with pytest.raises(ApiError, match="TOKEN_EXPIRED"):
        steps.send(refusal(401, "TOKEN_EXPIRED"))


def test_retry_after_is_obeyed_unless_it_is_too_long() -> None:
    steps = steps_of(REGISTER, calls())
    next(steps)
    assert steps.send(refusal(429, "RATE_LIMITED", **{"Retry-After": "3"})) == Pause(3.0)
    assert sent(next(steps)).url.path == "/api/auth/register"
    with pytest.raises(RateLimited) as refused:
        steps.send(refusal(429, "RATE_LIMITED", **{"Retry-After": "31"}))
    assert (refused.value.retry_after, refused.value.correlation_id) == (31.0, "c-1")


@pytest.mark.parametrize(
    "failure", [refusal(503, "SERVICE_UNAVAILABLE"), refusal(409, "REQUEST_IN_PROGRESS"), NoAnswer("reset")]
)
def test_call_without_an_answer_is_repeated_only_if_that_is_safe(failure: httpx.Response | NoAnswer) -> None:
    raised = NoAnswer if isinstance(failure, NoAnswer) else ApiError
    steps = steps_of(REGISTER, calls())
    next(steps)
    with pytest.raises(raised):
        steps.send(failure)
    steps = steps_of(PAY, calls(attempts=3), idempotency_key="k-1")
    keys = []
    step = next(steps)
    for _ in range(2):
        keys.append(sent(step).headers["Idempotency-Key"])
        assert isinstance(steps.send(failure), Pause)
        step = next(steps)
    assert keys == ["k-1", "k-1"]
    with pytest.raises(raised):
        steps.send(failure)


def test_answer_of_a_proxy_is_an_error_too() -> None:
    steps = steps_of(REGISTER, calls())
    next(steps)
    with pytest.raises(ApiError) as refused:
        steps.send(httpx.Response(418, text="<html>"))
    assert (refused.value.status, refused.value.code) == (418, "UNKNOWN")
