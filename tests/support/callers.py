"""A caller of a service's HTTP API: it calls the app in this process, without a socket."""

import uuid
from typing import Any, Self

import httpx
from fastapi import FastAPI


def new_id() -> str:
    return str(uuid.uuid4())


class Caller:
    """An HTTP client with a token, which may be renewed, or without one."""

    def __init__(
        self, app: FastAPI, token: str | httpx.Auth | None = None, *, user_id: uuid.UUID | None = None
    ) -> None:
        self.user_id = str(user_id)
        headers = {"authorization": f"Bearer {token}"} if isinstance(token, str) else {}
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://service",
            headers=headers,
            auth=token if isinstance(token, httpx.Auth) else None,
        )

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self._http.get(path, params=params)

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self._http.post(path, json=body)

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self._http.request(method, path, **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
