"""The Python client and the running platform, sync and async."""

import asyncio
import uuid

import pytest

from devstack.stack import Stack
from tests.e2e.user_client import USER_PASSWORD, Concert, UserClient
from ticketremaster_client import ApiError, AsyncClient, Client, Tokens, Unauthenticated, operations
from ticketremaster_client.calls import Calls

RESERVE, PAY, ORDER = operations.POST_RESERVE, operations.POST_PAY, operations.GET_ORDERS_BY_ORDER_ID


async def test_fan_buys_a_ticket_with_the_async_client(platform: Stack, fan: UserClient, concert: Concert) -> None:
    async with AsyncClient(Calls(base_url=platform.urls.gateway)) as client:
        await client.log_in(fan.email, USER_PASSWORD)
        held = await client.call(RESERVE, body={"event_id": concert.event_id, "seat_id": concert.seats["CAT2"][0]})
        payments = [client.call(PAY, body={"order_id": held["order_id"]}, idempotency_key="pay") for _ in range(3)]
        assert {paid["status"] for paid in await asyncio.gather(*payments)} == {"CONFIRMED"}
        assert (await client.call(ORDER, path={"order_id": held["order_id"]}))["status"] == "CONFIRMED"


async def test_sync_client_raises_what_the_platform_refuses(platform: Stack, fan: UserClient) -> None:
    def run() -> None:
        with Client(Calls(base_url=platform.urls.gateway)) as client:
            with pytest.raises(Unauthenticated):
                client.log_in(fan.email, "another password")
            client.log_in(fan.email, USER_PASSWORD)
            with pytest.raises(ApiError) as refused:
                client.call(ORDER, path={"order_id": uuid.uuid4()})
            assert (refused.value.status, refused.value.code) == (404, "ORDER_NOT_FOUND")
            assert refused.value.correlation_id

    await asyncio.to_thread(run)


async def test_tokens_of_an_earlier_run_are_used(platform: Stack, fan: UserClient) -> None:
    calls = Calls(base_url=platform.urls.gateway, tokens=Tokens(fan.token))
    async with AsyncClient(calls) as client:
        assert (await client.call(operations.GET_USERS_ME))["user_id"] == fan.user_id
