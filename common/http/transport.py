"""The connections of httpx clients that call servers of others, and the users service for its keys."""

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from common.http.client import IDLE_SECONDS


class HttpTransport(AiohttpTransport):
    """Closes an idle connection before its server does.

    An answer that is not HTTP raises httpx.RemoteProtocolError, as without aiohttp. The error does not quote the answer,
    which may contain secrets.
    """

    def __init__(self) -> None:
        super().__init__(limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except aiohttp.ClientError as error:
            raise httpx.RemoteProtocolError(type(error).__name__, request=request) from None
