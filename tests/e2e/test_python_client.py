"""The Python client and the running platform, sync and async."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from devstack.stack import Stack
from sdk.examples import buy
from tests.e2e.faulty_gateway import FaultyGateway, faulty_gateway
from tests.e2e.sdk_clients import expired_token
from tests.e2e.user_client import USER_PASSWORD, Concert, UserClient
from ticketremaster_client import (
    ApiError,
    AsyncClient,
    Client,
    Conflict,
    NoAnswer,
    NotFound,
    RateLimited,
    Repeats,
    Tokens,
    Unauthenticated,
    Unavailable,
    codes,
    models,
)
from ticketremaster_client import operations as api

RESERVE, PAY, ME = "/api/reserve", "/api/pay", "/api/users/me"


@pytest.fixture
async def gateway(platform: Stack) -> AsyncIterator[FaultyGateway]:
    async with faulty_gateway(platform.urls.gateway) as gateway:
        yield gateway


@pytest.mark.usefixtures("concert")
async def test_example(platform: Stack, fan: UserClient, capsys: pytest.CaptureFixture[str]) -> None:
    await buy.main(platform.urls.gateway, fan.email, USER_PASSWORD)
    first, ticket, keys = capsys.readouterr().out.splitlines()
    assert first == f"{fan.email} has 1000.00 credits."
    assert ticket.endswith("CONFIRMED.")
    assert keys.startswith("Two keys of")


async def test_sync_client_raises_what_the_platform_refuses(platform: Stack, fan: UserClient, concert: Concert) -> None:
    seat = models.ReserveRequest(event_id=uuid.UUID(concert.event_id), seat_id=uuid.UUID(concert.seats["CAT2"][0]))

    def run() -> None:
        with Client(platform.urls.gateway) as client:
            with pytest.raises(Unauthenticated):
                client.log_in(fan.email, "another password")
            client.log_in(fan.email, USER_PASSWORD)
            held = client.call(api.post_reserve(seat))
            assert client.call(api.post_pay(models.PayRequest(order_id=held.order_id))).status == "CONFIRMED"
            with pytest.raises(Conflict) as sold:
                client.call(api.post_reserve(seat))
            assert sold.value.code == codes.SEAT_ALREADY_SOLD
            with pytest.raises(NotFound) as unknown:
                client.call(api.get_orders_by_order_id(uuid.uuid4()))
            assert (unknown.value.code, bool(unknown.value.correlation_id)) == (codes.ORDER_NOT_FOUND, True)
            with pytest.raises(ApiError) as invalid:
                client.call(api.get_orders(page=0))
            assert (invalid.value.status, invalid.value.code) == (400, codes.VALIDATION_ERROR)
            assert invalid.value.details

    await asyncio.to_thread(run)


async def test_calls_whose_outcome_is_open_are_repeated_with_their_key(
    gateway: FaultyGateway, fan: UserClient, concert: Concert
) -> None:
    gateway.faults = {RESERVE: ["lose reply", "unavailable"], PAY: ["limit", "unavailable"], ME: ["lose reply"]}
    seat = models.ReserveRequest(event_id=uuid.UUID(concert.event_id), seat_id=uuid.UUID(concert.seats["CAT2"][0]))
    async with AsyncClient(gateway.url, tokens=Tokens(fan.token)) as client:
        held = await client.call(api.post_reserve(seat))
        assert (gateway.times(RESERVE), len(gateway.keys(RESERVE))) == (3, 1)
        await client.call(api.post_pay(models.PayRequest(order_id=held.order_id)))
        assert (gateway.times(PAY), len(gateway.keys(PAY))) == (3, 1)
        orders = [order.order_id async for order in client.items(api.get_orders(per_page=1))]
        assert orders == [held.order_id]
        assert str((await client.call(api.get_users_me())).user_id) == fan.user_id
        assert gateway.times(ME) == 2


async def test_caller_gives_a_key_that_outlives_the_client(gateway: FaultyGateway, fan: UserClient) -> None:
    products = (await fan.get("/products")).data
    wanted = models.OrderedProduct(product_id=products[0]["product_id"])
    order = api.post_digital_orders(models.DigitalOrderRequest(items=[wanted]))
    placed = []
    for _ in range(2):
        async with AsyncClient(gateway.url, tokens=Tokens(fan.token)) as client:
            placed.append((await client.call(order, idempotency_key="keys")).order_id)
    assert placed[0] == placed[1]


async def test_what_may_have_had_its_effect_is_not_repeated_without_a_key(
    gateway: FaultyGateway, fan: UserClient
) -> None:
    gateway.faults = {ME: ["lose reply", "unavailable", "limit for long"]}
    change = api.patch_users_me(models.ChangeProfile())
    async with AsyncClient(gateway.url, tokens=Tokens(fan.token)) as client:
        for kind in (NoAnswer, Unavailable):
            with pytest.raises(kind):
                await client.call(change)
        with pytest.raises(RateLimited) as limited:
            await client.call(change)
    assert limited.value.retry_after == 3600
    assert gateway.times(ME) == 3


async def test_call_is_repeated_as_often_as_asked(gateway: FaultyGateway, fan: UserClient) -> None:
    gateway.faults = {ME: ["unavailable"] * 9}
    async with AsyncClient(gateway.url, tokens=Tokens(fan.token), repeats=Repeats(attempts=3)) as client:
        with pytest.raises(Unavailable):
            await client.call(api.get_users_me())
    assert gateway.times(ME) == 3


async def test_concurrent_calls_renew_an_expired_login_once(
    platform: Stack, gateway: FaultyGateway, fan: UserClient
) -> None:
    login = await fan.post("/auth/login", {"email": fan.email, "password": USER_PASSWORD})
    tokens = Tokens(expired_token(platform, login.data["access_token"]), login.data["refresh_token"])
    renewed: list[Tokens] = []
    async with AsyncClient(gateway.url, tokens=tokens, on_tokens=renewed.append) as client:
        found = await asyncio.gather(*(client.call(api.get_users_me()) for _ in range(5)))
    assert {str(each.user_id) for each in found} == {fan.user_id}
    assert (len(renewed), gateway.times("/api/auth/refresh")) == (1, 1)

    def run() -> None:
        again = Tokens(tokens.access_token, renewed[0].refresh_token)
        with Client(gateway.url, tokens=again, on_tokens=renewed.append) as client:
            assert str(client.call(api.get_users_me()).user_id) == fan.user_id

    await asyncio.to_thread(run)
    assert len(renewed) == 2


async def test_login_that_cannot_be_renewed_has_ended(platform: Stack, fan: UserClient) -> None:
    tokens = Tokens(expired_token(platform, fan.token), "no token")
    async with AsyncClient(platform.urls.gateway, tokens=tokens) as client:
        with pytest.raises(Unauthenticated):
            await client.call(api.get_users_me())


async def test_parameters_are_sent(platform: Stack, fan: UserClient, concert: Concert) -> None:
    async with AsyncClient(platform.urls.gateway, tokens=Tokens(fan.token)) as client:
        far = datetime.now(UTC) + timedelta(days=3650)
        assert (await client.call(api.get_events(q="no such event", from_=far))).items == []
        details = await client.call(api.get_events_by_event_id(concert.event_id, include_seats=False))
        assert not details.seats
