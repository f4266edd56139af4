"""Answers that are not HTTP, as httpx clients with our transport get them."""

import asyncio
import traceback

import httpx
import pytest

from common.http.transport import HttpTransport

SECRET = "SECRET-CODE"


async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(f"{SECRET}\r\n\r\n".encode())
    writer.close()


async def test_answer_that_is_not_http_is_an_error_of_httpx_which_does_not_quote_it() -> None:
    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with httpx.AsyncClient(transport=HttpTransport()) as client:
            with pytest.raises(httpx.HTTPError) as failed:
                await client.get(f"http://{host}:{port}")
    assert SECRET not in "".join(traceback.format_exception(failed.value))
