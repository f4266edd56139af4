"""The guard that keeps tests away from a platform on this machine."""

import asyncio
import socket
from collections.abc import Callable

import httpx
import pytest

from common.rpc.client import open_channel
from tests.support.http_client import http_client
from tests.support.usual_ports import UsualPortUsed, refusing_usual_ports


def connect() -> None:
    with socket.socket() as client:
        client.connect(("127.0.0.1", 5001))


def listen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 8000))


def call_by_grpc() -> None:
    open_channel("dns:///127.0.0.1:50051")


@pytest.mark.parametrize("use", [connect, listen, call_by_grpc])
def test_a_usual_port_is_refused(use: Callable[[], object]) -> None:
    with refusing_usual_ports() as used, pytest.raises(UsualPortUsed):
        use()
    assert len(used) == 1


async def test_use_is_recorded_even_if_its_error_is_swallowed() -> None:
    with refusing_usual_ports() as used:
        async with http_client("http://127.0.0.1:5003") as http:
            await asyncio.gather(http.get("/livez"), return_exceptions=True)
    assert used == ["connect 127.0.0.1:5003"]


async def test_another_port_is_not_refused() -> None:
    with refusing_usual_ports() as used:
        async with http_client("http://127.0.0.1:1") as http:
            with pytest.raises(httpx.ConnectError):
                await http.get("/livez")
    assert used == []
