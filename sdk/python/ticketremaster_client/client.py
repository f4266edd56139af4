"""The two clients."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, Self, TypeVar

import httpx

from ticketremaster_client.calls import Call, PageCall
from ticketremaster_client.errors import NoAnswer
from ticketremaster_client.generated import models, operations
from ticketremaster_client.login import Login, Tokens
from ticketremaster_client.repeats import Attempts, Repeats

T = TypeVar("T")

# A server closes an idle connection after some seconds; a request that meets this has no answer.
LIMITS: Final = httpx.Limits(keepalive_expiry=2.0)


class _Caller:
    """What both clients are made of."""

    def __init__(
        self,
        base_url: str,
        *,
        tokens: Tokens | None = None,
        on_tokens: Callable[[Tokens], None] = lambda _: None,
        repeats: Repeats | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._login = Login(self._base_url, tokens, on_tokens)
        self._repeats = repeats or Repeats()
        self._timeout = httpx.Timeout(timeout_seconds)
        self._connect()

    def _connect(self) -> None:
        """Set up what sends requests."""

    def _request(self, call: Call[T], attempts: Attempts) -> httpx.Request:
        request = call.request(self._base_url, attempts.headers)
        request.extensions["timeout"] = self._timeout.as_dict()
        return request


class Client(_Caller):
    """A client that blocks; threads may share it.

    Args:
        base_url: where the gateway is.
        tokens: of an earlier login.
        on_tokens: is told each new pair of tokens, of a login or a renewal.
    """

    def _connect(self) -> None:
        self._http = httpx.Client(auth=self._login, limits=LIMITS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def log_in(self, email: str, password: str) -> models.LoggedIn:
        """Log in; later calls are this user's.

        Raises:
            Unauthenticated: email or password is wrong.
        """
        told = self.call(operations.post_auth_login(models.Login(email=email, password=password)))
        self._login.use(Tokens(told.access_token, told.refresh_token))
        return told

    def call(self, call: Call[T], *, idempotency_key: str | None = None) -> T:
        """Make a call and return its result.

        Args:
            idempotency_key: of an operation that takes one; a new one by default.

        Raises:
            ApiError: the API refuses the call.
            StillProcessing: the work goes on.
            NoAnswer: the connection failed.
            ValueError: the answer does not have the form of this version's models.
        """
        attempts = Attempts(self._repeats, call, idempotency_key)
        while True:
            answer = self._answer(self._request(call, attempts))
            pause = attempts.pause_after(answer)
            if pause is None and isinstance(answer, httpx.Response):
                return call.result(answer)
            if pause:
                time.sleep(pause.seconds)

    def items(self, call: PageCall[T]) -> Iterator[T]:
        """Yield the items of a list, page after page; raises as `call`."""
        following: PageCall[T] | None = call
        while following:
            page = self.call(following)
            yield from page.items
            following = following.following(page)

    def _answer(self, request: httpx.Request) -> httpx.Response | NoAnswer:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            return NoAnswer(str(error))


class AsyncClient(_Caller):
    """A client for asyncio; tasks may share it.

    Args:
        base_url: where the gateway is.
        tokens: of an earlier login.
        on_tokens: is told each new pair of tokens, of a login or a renewal.
    """

    def _connect(self) -> None:
        self._http = httpx.AsyncClient(auth=self._login, limits=LIMITS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def log_in(self, email: str, password: str) -> models.LoggedIn:
        """Log in; later calls are this user's.

        Raises:
            Unauthenticated: email or password is wrong.
        """
        told = await self.call(operations.post_auth_login(models.Login(email=email, password=password)))
        self._login.use(Tokens(told.access_token, told.refresh_token))
        return told

    async def call(self, call: Call[T], *, idempotency_key: str | None = None) -> T:
        """Make a call and return its result; arguments and errors are those of `Client.call`."""
        attempts = Attempts(self._repeats, call, idempotency_key)
        while True:
            answer = await self._answer(self._request(call, attempts))
            pause = attempts.pause_after(answer)
            if pause is None and isinstance(answer, httpx.Response):
                return call.result(answer)
            if pause:
                await asyncio.sleep(pause.seconds)

    async def items(self, call: PageCall[T]) -> AsyncIterator[T]:
        """Yield the items of a list, page after page; raises as `call`."""
        following: PageCall[T] | None = call
        while following:
            page = await self.call(following)
            for item in page.items:
                yield item
            following = following.following(page)

    async def _answer(self, request: httpx.Request) -> httpx.Response | NoAnswer:
        try:
            return await self._http.send(request)
        except httpx.TransportError as error:
            return NoAnswer(str(error))
