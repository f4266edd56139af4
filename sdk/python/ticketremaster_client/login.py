"""The tokens of a login, sent with each request and renewed when they expire."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from typing import Final

import httpx

from ticketremaster_client.errors import error_of

REFRESH: Final = "/api/auth/refresh"
EXPIRED: Final = "TOKEN_EXPIRED"


@dataclass(frozen=True, slots=True)
class Tokens:
    """A login. The refresh token works once: store the new tokens when `on_tokens` reports them."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)


class Login(httpx.Auth):
    """Concurrent calls whose access token has expired renew it once.

    Args:
        tokens: None before a login, and after a logout.
        on_tokens: is told each new pair.
    """

    def __init__(self, base_url: str, tokens: Tokens | None, on_tokens: Callable[[Tokens], None]) -> None:
        self._base_url = base_url
        self._tokens = tokens
        self._on_tokens = on_tokens
        self._thread_lock = threading.Lock()
        self._task_lock = asyncio.Lock()

    def use(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._on_tokens(tokens)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        used = self._sign(request)
        response = yield request
        response.read()
        if used is None or not _has_expired(response, used):
            return
        with self._thread_lock:
            if self._tokens is used:
                renewed = yield self._refresh(used)
                renewed.read()
                self.use(_tokens_of(renewed))
        self._sign(request)
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        used = self._sign(request)
        response = yield request
        await response.aread()
        if used is None or not _has_expired(response, used):
            return
        async with self._task_lock:
            if self._tokens is used:
                renewed = yield self._refresh(used)
                await renewed.aread()
                self.use(_tokens_of(renewed))
        self._sign(request)
        yield request

    def _sign(self, request: httpx.Request) -> Tokens | None:
        if self._tokens:
            request.headers["Authorization"] = f"Bearer {self._tokens.access_token}"
        return self._tokens

    def _refresh(self, used: Tokens) -> httpx.Request:
        return httpx.Request(
            "POST", self._base_url + REFRESH, headers={"Authorization": f"Bearer {used.refresh_token}"}
        )


def _has_expired(response: httpx.Response, used: Tokens) -> bool:
    is_refused = response.status_code == httpx.codes.UNAUTHORIZED
    return is_refused and bool(used.refresh_token) and error_of(response).code == EXPIRED


def _tokens_of(response: httpx.Response) -> Tokens:
    if not response.is_success:
        raise error_of(response)
    renewed = response.json()["data"]
    return Tokens(renewed["access_token"], renewed["refresh_token"])
