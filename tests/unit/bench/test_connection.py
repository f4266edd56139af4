"""The load generator's HTTP client, against a server that responds in chunks or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bench.connection import Connection

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n"
BODY = b'{"success":true,"data":"yes"}'
REFUSAL = b'HTTP/1.1 409 Conflict\r\nContent-Length: 33\r\n\r\n{"error_code":"SEAT_UNAVAILABLE"}'

Pieces = list[bytes]


@asynccontextmanager
async def connected(answers: Callable[[bytes], Pieces]) -> AsyncIterator[Connection]:
    """Connect to a server that writes these chunks one by one; without chunks it closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(65_536):
            pieces = answers(request)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if not pieces:
                break
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await Connection.open(f"http://127.0.0.1:{port}")
        yield connection
        connection.close()


async def test_response_in_several_chunks_is_read() -> None:
    async with connected(lambda _: [HEAD[:9], HEAD[9:], BODY[:5], BODY[5:]]) as connection:
        for _ in range(2):
            answer = await connection.post("/api/pay", {}, token="t")
            assert (answer.status, answer.data) == (200, "yes")


async def test_a_request_carries_token_key_and_body() -> None:
    seen: list[bytes] = []

    def keep(request: bytes) -> Pieces:
        seen.append(request)
        return [HEAD + BODY]

    async with connected(keep) as connection:
        await connection.post("/api/pay", {"order_id": "o"}, token="secret", key="k1")
        await connection.post("/api/pay", {}, token="secret")
    first, second = (request.split(b"\r\n") for request in seen)
    assert first[0] == b"POST /api/pay HTTP/1.1"
    assert {b"Authorization: Bearer secret", b"Idempotency-Key: k1", b"Content-Length: 16"} <= set(first)
    assert first[-1] == b'{"order_id":"o"}'
    assert not any(line.startswith(b"Idempotency-Key") for line in second)


async def test_error_response_is_returned() -> None:
    async with connected(lambda _: [REFUSAL]) as connection:
        answer = await connection.post("/api/reserve", {}, token="t")
        assert (answer.status, answer.error_code) == (409, "SEAT_UNAVAILABLE")


async def test_broken_connection_fails_every_later_request() -> None:
    async with connected(lambda _: []) as connection:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await connection.post("/api/reserve", {}, token="t")
