"""A call step by step: its requests, pauses and retries, without input or output, so that both clients share it."""

import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from ticketremaster_client.errors import ApiError, NoAnswer, RateLimited, Unavailable, error_of

__all__ = ["Calls", "Operation", "Pause", "Steps", "Tokens"]

REFRESH = "/api/auth/refresh"
IN_PROGRESS = "REQUEST_IN_PROGRESS"  # of the first request with the key
TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - an error code


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API. One that takes an `Idempotency-Key` has its effect once, however often it is sent."""

    method: str
    path: str
    takes_key: bool = False

    @property
    def is_repeatable(self) -> bool:
        return self.takes_key or self.method == "GET"


@dataclass(frozen=True, slots=True)
class Tokens:
    """A login. The refresh token works once: store the new tokens when `on_tokens` reports them."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Steps = Generator[httpx.Request | Pause, httpx.Response | NoAnswer, Any]
"""What a client does: it sends each request and passes its response, or NoAnswer, back; it waits for each pause."""


@dataclass(kw_only=True)
class Calls:
    """The calls of one login, or of nobody.

    Args:
        attempts: of a call that is refused with 429, or that is repeatable and has no outcome yet.
        longest_pause: seconds; a call that is to be repeated later than that raises.
    """

    base_url: str
    tokens: Tokens | None = None
    on_tokens: Callable[[Tokens], None] = lambda _: None
    attempts: int = 4
    longest_pause: float = 30.0

    def steps(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object],
        query: Mapping[str, Any] | None,
        body: Any,
        idempotency_key: str | None,
    ) -> Steps:
        """Return the steps of a call; their result is the `data` of the answer.

        Raises:
            ApiError: the API refuses the call.
            NoAnswer: the connection failed, on the last attempt too.
        """
        key = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())} if operation.takes_key else {}
        url = self.base_url + operation.path.format_map(
            {name: quote(str(value), safe="") for name, value in path.items()}
        )
        attempt, may_refresh = 1, True
        while True:
            used = self.tokens
            answer = yield self._request(operation.method, url, key, query=query, body=body)
            if isinstance(answer, httpx.Response) and answer.is_success:
                return answer.json()["data"] if answer.content else None
            error = error_of(answer) if isinstance(answer, httpx.Response) else answer
            if may_refresh and used and used.refresh_token and getattr(error, "code", "") == TOKEN_EXPIRED:
                may_refresh = False
                if self.tokens is used:  # another call may have renewed them
                    yield from self._refresh(used)
                continue
            yield self._pause_before_another(error, attempt, is_repeatable=operation.is_repeatable)
            attempt += 1

    def _request(self, method: str, url: str, headers: Mapping[str, str], *, query: Any, body: Any) -> httpx.Request:
        own = {"Authorization": f"Bearer {self.tokens.access_token}"} if self.tokens else {}
        return httpx.Request(method, url, params=query, json=body, headers={**headers, **own})

    def _pause_before_another(self, error: ApiError | NoAnswer, attempt: int, *, is_repeatable: bool) -> Pause:
        is_in_progress = getattr(error, "code", "") == IN_PROGRESS
        is_open = is_in_progress or isinstance(error, Unavailable | NoAnswer)
        may_repeat = isinstance(error, RateLimited) or (is_repeatable and is_open)
        asked = getattr(error, "retry_after", None)
        seconds = 0.5 * 2.0**attempt if asked is None else asked
        if not may_repeat or attempt >= self.attempts or seconds > self.longest_pause:
            raise error
        return Pause(seconds)

    def _refresh(self, used: Tokens) -> Steps:
        request = httpx.Request(
            "POST", self.base_url + REFRESH, headers={"Authorization": f"Bearer {used.refresh_token}"}
        )
        answer = yield request
        if not isinstance(answer, httpx.Response):
            raise answer
        if not answer.is_success:
            raise error_of(answer)
        renewed = answer.json()["data"]
        self.tokens = Tokens(renewed["access_token"], renewed["refresh_token"])
        self.on_tokens(self.tokens)
