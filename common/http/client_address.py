"""The client's IP address, from the header that the gateway overwrites."""

from typing import Annotated

from fastapi import Depends, Request


async def _client_address(request: Request) -> str:
    peer = request.client.host if request.client else ""
    return request.headers.get("x-forwarded-for", peer)


ClientAddress = Annotated[str, Depends(_client_address)]
