"""Two replicas of every process share the databases and the broker; each has its own gateway, as behind a load balancer."""

import asyncio
import json
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

import invariants
from devstack.home import Home
from devstack.ports import LOOPBACK, free_port
from devstack.servers import Existing
from devstack.stack import Stack
from tests.chaos.auto_restart import restarting_command
from tests.chaos.fans import Fan, answered
from tests.chaos.operators import Operators, log_in_operators
from tests.chaos.services import Service, all_up
from tests.chaos.ticket_sales import Order, TicketSales, data_of
from tests.support.http_client import http_client
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

MODULES: Final = {name: name for name in ("users", "orders", "events", "inventory", "orchestrator", "gateway")} | {
    "worker": "orchestrator.worker"
}
COMMANDS: Final = {name: restarting_command(module) for name, module in MODULES.items()}
CONCURRENT: Final = 10
HALL_ID: Final = "HALL-B"
AMOUNT: Final = Decimal("20.00")
RECEIVED_WITHIN_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Replicas:
    first: Stack
    second: Stack

    @property
    def gateways(self) -> tuple[str, str]:
        return self.first.urls.gateway, self.second.urls.gateway


@pytest.fixture(scope="module")
def replicas(database_url: DatabaseFactory, vhost: Vhost) -> Iterator[Replicas]:
    """Start the platform twice. Only the inventory's replicas are known to all clients: gRPC balances between them."""
    one = free_port(taken=frozenset())
    other = free_port(taken=frozenset({one}))
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "SAGA_STEP_TIMEOUT_SECONDS": "15",
        "SAGA_LEASE_MARGIN_SECONDS": "0.5",
        "RECOVER_INTERVAL_SECONDS": "0.2",
        "INVENTORY_ADDRESS": f"ipv4:{LOOPBACK}:{one},{LOOPBACK}:{other}",
    }
    with running_platform(
        database_url=database_url,
        vhost=vhost,
        env=env,
        service_env={"inventory": {"PORT": str(one)}},
        commands=COMMANDS,
    ) as first:
        sandbox = dict.fromkeys(
            (
                "OTP_API_URL",
                "STRIPE_API_URL",
                "NOWPAYMENTS_API_URL",
                "DEVICE_API_URL",
                "TEXT_API_URL",
                "SUPPLIER_API_URL",
            ),
            first.urls.sandbox,
        )
        with second_replica(first, env=env | sandbox | {"SMTP_URL": first.urls.smtp}, inventory_port=other) as second:
            yield Replicas(first=first, second=second)


def second_replica(first: Stack, *, env: dict[str, str], inventory_port: int) -> Stack:
    """Return a stack with the first one's servers and secrets."""
    folder = Path(tempfile.mkdtemp(prefix="second-", dir=first.home))
    home = Home(folder)
    home.prepare()
    shutil.copyfile(Home(first.home).secrets_file, home.secrets_file)
    existing = Existing(
        databases=first.urls.databases,
        rabbitmq_url=first.urls.rabbitmq,
        rabbitmq_management_url=first.urls.rabbitmq_management,
    )
    return Stack(
        home=folder,
        services=list(MODULES),
        existing=existing,
        env=env,
        service_env={"inventory": {"PORT": str(inventory_port)}},
        commands=COMMANDS,
        migrate=False,
        seed=False,
        spawn=first.spawn,
    )


@pytest.fixture(scope="module")
def stack(replicas: Replicas) -> Stack:
    return replicas.first


@pytest.fixture(autouse=True)
async def second_replica_is_up(replicas: Replicas) -> AsyncIterator[None]:
    yield
    await eventually(partial(all_up, replicas.second))


@pytest.fixture(scope="module")
async def operators(stack: Stack) -> AsyncIterator[Operators]:
    async with log_in_operators(stack) as operators:
        yield operators


@asynccontextmanager
async def on_both(replicas: Replicas, user: Fan) -> AsyncIterator[tuple[Fan, Fan]]:
    """Give a user two clients, one at each gateway."""
    first, second = (user.at(url) for url in replicas.gateways)
    yield first, second
    await first.aclose()
    await second.aclose()


async def bought(sales: TicketSales, fan: Fan) -> Order:
    order = await sales.reserved(fan, sales.some_seats(1))
    data_of(await answered(partial(fan.pay, order.order_id)))
    return order


async def next_message(connection: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(RECEIVED_WITHIN_SECONDS):
        while True:
            message: dict[str, Any] = json.loads(await connection.recv())
            if message["type"] == kind:
                return message


class TestSideBySide:
    async def test_purchase_starts_at_one_replica_and_finishes_at_the_other(
        self, replicas: Replicas, sales: TicketSales
    ) -> None:
        fan = await sales.new_fan()
        async with on_both(replicas, fan) as (first, second):
            order = await sales.reserved(first)
            assert data_of(await second.pay(order.order_id))["status"] == "CONFIRMED"
            tickets = (await first.get("/api/tickets")).json()["data"]
        assert {ticket["seat_id"] for ticket in tickets} == {str(seat_id) for seat_id in order.seat_ids}
        await sales.assert_bought(fan, order)

    async def test_one_key_at_both_replicas_creates_one_order(self, replicas: Replicas, sales: TicketSales) -> None:
        fan = await sales.new_fan()
        seat_ids = sales.some_seats()
        async with on_both(replicas, fan) as devices:
            reserve = [partial(device.reserve, sales.event_id, seat_ids) for device in devices] * CONCURRENT
            answers = await asyncio.gather(*map(answered, reserve))
            assert len({data_of(answer)["order_id"] for answer in answers}) == 1
            order_id = uuid.UUID(data_of(answers[0])["order_id"])
            receipts = await asyncio.gather(*(answered(partial(d.pay, order_id)) for d in devices * CONCURRENT))
        assert len({json.dumps(data_of(receipt), sort_keys=True) for receipt in receipts}) == 1
        assert await sales.databases.movements_of(order_id) == ["deduct"]

    async def test_one_of_many_fans_at_both_replicas_gets_the_seat(
        self, replicas: Replicas, sales: TicketSales
    ) -> None:
        [seat_id] = sales.some_seats(1)
        fans = [await sales.new_fan() for _ in range(CONCURRENT)]
        clients = [fan.at(replicas.gateways[number % 2]) for number, fan in enumerate(fans)]
        answers = await asyncio.gather(*(fan.reserve(sales.event_id, [seat_id]) for fan in clients))
        assert sorted(answer.status_code for answer in answers) == [httpx.codes.OK] + [httpx.codes.CONFLICT] * 9
        for fan in clients:
            await fan.aclose()

    async def test_transfer_between_users_at_different_gateways(self, replicas: Replicas, sales: TicketSales) -> None:
        seller, buyer = await sales.new_fan(), await sales.new_fan()
        order = await bought(sales, seller)
        offer = partial(seller.offer, order.seat_ids[0], seller_id=seller.user_id, buyer_id=buyer.user_id)
        transfer_id = uuid.UUID(data_of(await answered(partial(offer, amount=AMOUNT)))["transfer_id"])
        async with on_both(replicas, buyer) as (_, second):
            done = await asyncio.gather(
                answered(partial(seller.confirm, transfer_id)), answered(partial(second.confirm, transfer_id, key="c"))
            )
            assert all(answer.is_success for answer in done), [answer.text for answer in done]
            shown = await answered(partial(second.get, f"/api/tickets/{order.seat_ids[0]}/qr"))
        assert shown.is_success
        assert (await seller.get(f"/api/tickets/{order.seat_ids[0]}/qr")).status_code == httpx.codes.FORBIDDEN

    async def test_scans_at_both_gateways_admit_once(
        self, replicas: Replicas, sales: TicketSales, operators: Operators
    ) -> None:
        fan = await sales.new_fan()
        order = await bought(sales, fan)
        code = data_of(await fan.get(f"/api/tickets/{order.seat_ids[0]}/qr"))["qr_payload"]
        async with on_both(replicas, operators.staff) as scanners:
            scans = await asyncio.gather(
                *(scanner.scan(code, hall_id=HALL_ID, nonce=f"{uuid.uuid4()}") for scanner in scanners * CONCURRENT)
            )
        results = [data_of(scan)["result"] for scan in scans]
        assert sorted(results) == ["DUPLICATE"] * (2 * CONCURRENT - 1) + ["SUCCESS"]

    async def test_logout_at_one_gateway_applies_to_the_other(self, replicas: Replicas, sales: TicketSales) -> None:
        fan = await sales.new_fan()
        async with on_both(replicas, fan) as (first, second):
            assert (await second.get("/api/tickets")).is_success
            assert (await first.post("/api/auth/logout")).is_success

            async def is_out() -> bool:
                return (await second.get("/api/tickets")).status_code == httpx.codes.UNAUTHORIZED

            await eventually(is_out)

    async def test_seat_map_shows_sales_of_the_other_replica(self, replicas: Replicas, sales: TicketSales) -> None:
        fan = await sales.new_fan()
        second_gateway = replicas.gateways[1].replace("http", "ws")
        async with connect(f"{second_gateway}/ws/events/{sales.event_id}") as seat_map:
            await next_message(seat_map, "subscribed")
            order = await bought(sales, fan)
            changed: set[str] = set()
            while changed != {"HELD", "SOLD"}:
                news = await next_message(seat_map, "seat.changed")
                changed |= {s["status"] for s in news["seats"] if s["seat_id"] == str(order.seat_ids[0])}

    async def test_two_workers_send_an_email_once(self, replicas: Replicas, sales: TicketSales) -> None:
        fans = [await sales.new_fan() for _ in range(CONCURRENT)]
        await asyncio.gather(*(bought(sales, fan) for fan in fans))

        async def emails() -> list[int]:
            async with http_client(replicas.first.urls.sandbox) as sandbox:
                inboxes = [await sandbox.get("/control/mail", params={"to": f"{f.user_id}@example.com"}) for f in fans]
            counts = [len(answer.json()) for answer in inboxes]
            return counts if all(counts) else []

        assert await eventually(emails) == [1] * CONCURRENT


class TestReplicaKilled:
    async def test_other_orchestrator_finishes_the_sagas(self, replicas: Replicas, sales: TicketSales) -> None:
        payments = [(fan, await sales.reserved(fan)) for fan in [await sales.new_fan() for _ in range(5)]]
        async with sales.databases.writes_blocked("users") as is_blocked:
            tries = [asyncio.create_task(fan.pay(order.order_id)) for fan, order in payments]
            await eventually(partial(all_charging, sales, payments))
            await eventually(is_blocked)
            killed = Service(replicas.first, "orchestrator").down()
            await killed.__aenter__()
        await sales.end_leases()
        try:
            for fan, order in payments:
                second = fan.at(replicas.gateways[1])
                assert data_of(await answered(partial(second.pay, order.order_id)))["status"] == "CONFIRMED"
                await second.aclose()
        finally:
            await killed.__aexit__(None, None, None)
            for attempt in tries:
                attempt.cancel()
        for fan, order in payments:
            await sales.assert_bought(fan, order)

    @pytest.mark.parametrize("copy", ["first", "second"])
    async def test_purchases_succeed_with_one_inventory_down(
        self, replicas: Replicas, sales: TicketSales, copy: str
    ) -> None:
        fans = [await sales.new_fan() for _ in range(4)]
        async with Service(getattr(replicas, copy), "inventory").down():
            orders = await asyncio.gather(*(bought(sales, fan) for fan in fans))
        for fan, order in zip(fans, orders, strict=True):
            await sales.assert_bought(fan, order)
        await invariants.require(replicas.first.urls)


async def all_charging(sales: TicketSales, payments: list[tuple[Fan, Order]]) -> bool:
    sagas = [await sales.databases.saga_of(fan.user_id) for fan, _ in payments]
    return all(saga["state"] == "RUNNING" for saga in sagas)
