"""The codes of an order stand nowhere but in what its buyer is shown: every other place is searched for them (F4).

The order takes every path on which codes move: notices that arrive twice, late, for an unknown reservation, or in a form
that cannot be read, an outage of the storage, a replay, a rotation of keys, a reveal, a download, and the deletion.
"""

import asyncio
import json
import os
import sys
import uuid
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from devstack.home import Home
from devstack.keys import keys_of
from devstack.stack import Stack
from gateway.routing import ROUTES
from tests.e2e.digital_orders import order_goods, until_status
from tests.e2e.user_client import UserClient
from tests.e2e.webhook_receiver import WebhookReceiver, receiving
from tests.security.traces_of import BrokerTap, in_databases, in_files, is_in
from tests.support.collector import Collector, collecting
from tests.support.http_client import http_client
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

OLD: Final = f"old:{'A' * 43}="
NEW: Final = f"new:{'B' * 42}A="
NEW_KEYS: Final = f"{NEW},{OLD}"
FULFILLMENT: Final = ["fulfillment.paid", "fulfillment.reserved", "fulfillment.ready", "fulfillment.fulfilled"]
EXPECTED: Final = {
    "orders: public.outbox", "orders: public.digital_orders", "orchestrator: public.jobs", "orchestrator: public.sagas",
    "orchestrator: public.user_feed", "orchestrator: public.audit_entries", "users: public.escrows",
    "/admin/jobs", "/admin/sagas", "/admin/audit", "/admin/reservations", "/admin/digital-orders",
    "file: log/worker.log",
}  # fmt: skip
"""Some of the places where an order's id stands."""
LISTS_OF_ADMINS: Final = sorted(
    {
        route.path.removeprefix("/api")
        for route in ROUTES
        if route.method == "GET" and route.path.startswith("/api/admin")
    }
)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def platform(database_url: DatabaseFactory, vhost: Vhost, collector: Collector) -> Iterator[Stack]:
    env = {
        "LOG_LEVEL": "DEBUG",
        "RATE_LIMIT_PER_MINUTE": "0",
        "JOB_RETRY_SECONDS": "0.1",
        "KEY_ENCRYPTION_KEYS": f"{OLD},{NEW}",
    }
    with running_platform(database_url=database_url, vhost=vhost, env=env | collector.env) as stack:
        yield stack


@dataclass(frozen=True, kw_only=True)
class Shop:
    platform: Stack
    fan: UserClient
    admin: UserClient
    sandbox: httpx.AsyncClient
    tap: BrokerTap
    collector: Collector
    integrator: WebhookReceiver

    @property
    def objects(self) -> Path:
        """The folder with a folder for each order."""
        return self.platform.home / "objects" / "orders"

    async def reserved(self, order_id: str) -> list[str]:
        """Return the reservations of an order, once all are made."""
        await until_status(self.fan, order_id, "WAITING")
        listed = (await self.admin.get("/admin/reservations", per_page=100)).data
        return [each["reservation_id"] for each in listed if each["order_id"] == order_id]

    async def notify(self, reservation_id: str, **notice: Any) -> str:
        """Send a notice of the supplier, and return its event id."""
        path, body = f"/control/supplier/{reservation_id}", {"status": "delivered"} | notice
        sent = (await self.sandbox.post(path, json=body)).json()
        assert {*sent["statuses"]} == {200}, sent
        return str(sent["webhook_id"])

    async def failing_job(self, order_id: str) -> None:
        """Wait until a job of the order has failed and is tried again."""

        async def look() -> bool:
            listed = (await self.admin.get("/admin/jobs", kind="fulfillment", status="retrying", per_page=100)).data
            return any(job["lane"] == order_id for job in listed)

        await eventually(look)

    async def codes(self) -> dict[str, str]:
        """Return the codes that the supplier has delivered, by reservation."""
        units = (await self.sandbox.get("/control/supplier")).json()
        return {unit["reservation_id"]: code for unit in units for code in unit["codes"]}

    async def webhook(self, event_id: str, *statuses: str) -> dict[str, Any]:
        """Return a webhook as admins see it, once it has one of the statuses."""

        async def look() -> dict[str, Any]:
            listed = (await self.admin.get("/admin/webhook-logs", provider="kinguin", per_page=100)).data
            [found] = [each for each in listed if each["external_id"] == event_id]
            assert found["status"] in statuses, found
            return dict(found)

        return await eventually(look)

    async def rotate(self, keys: str) -> str:
        """Run the rotation as a program, with the environment of the orchestrator, and return what it says."""
        urls, home = self.platform.urls, Home(self.platform.home)
        env = {
            "ENV": "dev",
            "DATABASE_URL": urls.databases["orchestrator"],
            "RABBITMQ_URL": urls.rabbitmq,
            "USERS_URL": urls.users,
            "ORDERS_URL": urls.orders,
            "EVENTS_URL": urls.events,
            "INVENTORY_ADDRESS": urls.inventory_address,
            "SERVICE_TOKEN_SECRET": keys_of(home).service_token_secret,
            "QR_KEYS": keys_of(home).qr_keys,
            "OBJECT_FOLDER": str(self.objects.parent),
            "KEY_ENCRYPTION_KEYS": keys,
        }
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "orchestrator.rotate_keys", env=os.environ | env, stdout=PIPE, stderr=STDOUT
        )
        said, _ = await program.communicate()
        return said.decode()

    def restart_with(self, keys: str) -> None:
        for name in ("orchestrator", "worker"):
            self.platform.restart(name, env={"KEY_ENCRYPTION_KEYS": keys})

    async def outputs(self, order_id: str) -> dict[str, bytes]:
        """Return what the platform has sent, shown and routed, by place."""
        return await self._answers(order_id) | {
            "broker": b"\n".join(await self.tap.messages()),
            "traces": self.collector.received,
            "mail": (await self.sandbox.get("/control/mail", params={"to": self.fan.email})).content,
            "integrator": b"\n".join(body for _, body in self.integrator.received),
            "feed": await self._feed("/ws/me", self.fan, order_id),
            "live feed": await self._feed("/ws/fulfillment", self.fan, order_id),
            "admins' live feed": await self._feed("/ws/fulfillment", self.admin, order_id),
        }

    async def places_of(self, text: str, outputs: Mapping[str, bytes]) -> set[str]:
        """Return where the text stands: in which tables, files of the platform's folder, and outputs."""
        tables = await in_databases(self.platform.urls.databases, text)
        files = {f"file: {name}" for name in in_files(self.platform.home, text)}
        return tables | files | {name for name, content in outputs.items() if is_in(content, text)}

    async def _answers(self, order_id: str) -> dict[str, bytes]:
        """Return what admins are shown of everything, and the buyer of orders, by path."""
        paths = [path for path in LISTS_OF_ADMINS if "{" not in path]
        for name, key in (("webhook-logs", "webhook_id"), ("jobs", "job_id")):
            listed = (await self.admin.get(f"/admin/{name}", per_page=100)).data
            paths += [f"/admin/{name}/{each[key]}" for each in listed]
        paths += [f"/digital-orders/{order_id}", f"/fulfillment/{order_id}/status"]
        shown = {path: await self.admin.get(path, per_page=100) for path in paths}
        shown |= {f"{path} of the buyer": await self.fan.get(path) for path in ("/digital-orders", "/users/me/export")}
        return {path: json.dumps(answer.body).encode() for path, answer in shown.items()}

    async def _feed(self, path: str, user: UserClient, order_id: str) -> bytes:
        """Return a feed from its beginning to the delivery of the order."""
        url, protocols = (
            self.platform.urls.gateway.replace("http", "ws"),
            [Subprotocol("bearer"), Subprotocol(user.token)],
        )
        received: list[str] = []
        async with connect(f"{url}{path}?since=0", subprotocols=protocols) as feed:
            while not received or not (order_id in received[-1] and "fulfilled" in received[-1]):
                received.append(str(await feed.recv()))
        return "\n".join(received).encode()


@pytest.fixture
async def shop(platform: Stack, vhost: Vhost, collector: Collector) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as opened:
        integrator = await opened.enter_async_context(receiving())
        tap = await opened.enter_async_context(BrokerTap(vhost))
        sandbox = await opened.enter_async_context(http_client(platform.urls.sandbox))
        anonymous = await opened.enter_async_context(UserClient(platform))
        fan = await opened.enter_async_context(await anonymous.register(balance="1000.00"))
        await fan.prove_email()
        admin = await opened.enter_async_context(await anonymous.log_in("admin@example.com"))
        hooks = {"url": f"{integrator.url}/hooks", "message_types": FULFILLMENT}
        assert (await admin.post("/admin/webhook-subscriptions", hooks)).status == 201
        yield Shop(
            platform=platform,
            fan=fan,
            admin=admin,
            sandbox=sandbox,
            tap=tap,
            collector=collector,
            integrator=integrator,
        )


async def test_codes_stand_nowhere_but_in_what_their_buyer_is_shown(shop: Shop) -> None:
    order_id = await order_goods(shop.fan, 2)
    first, second = await shop.reserved(order_id)
    twice = await shop.notify(first, copies=3)
    await shop.webhook(twice, "processed")
    code = (await shop.codes())[first]
    # Codes of no reservation, in another field, of an unknown reservation, and in a form that cannot be read.
    lost = await shop.notify(first, changes={"reservation_id": None, "licence": code})
    await shop.webhook(lost, "failed")
    await shop.webhook(await shop.notify(first, changes={"reservation_id": f"R-{uuid.uuid4()}"}), "unmatched")
    await shop.notify(first, changes={"codes": code})
    # A notice whose job fails permanently, because the supplier is asked and does not respond; then a job that cannot store.
    await shop.sandbox.post("/control/faults", json={"path": "supplier", "status": 503})
    failed = await shop.webhook(await shop.notify(second, has_codes=False), "failed")
    await shop.sandbox.delete("/control/faults")
    obstacle = shop.objects / order_id
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.touch()
    for webhook in (failed, await shop.webhook(twice, "processed")):
        assert (await shop.admin.post(f"/admin/webhook-logs/{webhook['webhook_id']}/replay")).status == 200
    await shop.failing_job(order_id)
    assert (await shop.rotate(NEW_KEYS)).startswith("rewrapped: 2 items, 5 webhooks, 0 objects")
    obstacle.unlink()
    await until_status(shop.fan, order_id, "FULFILLED")
    assert (await shop.rotate(NEW_KEYS)).startswith("rewrapped: 0 items, 0 webhooks, 1 objects")
    codes = await shop.codes()
    revealed = await shop.fan.post(f"/fulfillment/{order_id}/reveal")
    assert sorted(each["code"] for each in revealed.data["codes"]) == sorted(codes[each] for each in (first, second))
    url = (await shop.fan.get(f"/fulfillment/{order_id}/download-link")).data["url"]
    async with http_client(shop.platform.urls.gateway) as browser:
        assert code in (await browser.get(url)).text
    await eventually(lambda: order_id.encode() in shop.integrator.received[-1][1])

    outputs = await eventually(lambda: shop.outputs(order_id))
    for secret in (codes[first], codes[second]):
        assert await shop.places_of(secret, outputs) == set()
    # The search would have found them: it finds the order in all of these.
    known = await shop.places_of(order_id, outputs)
    assert known >= {name for name in outputs if not name.startswith("/admin")} - {"traces"} | EXPECTED, known
    assert shop.collector.spans("job fulfillment")  # spans have no ids of orders

    assert (await shop.fan.post(f"/fulfillment/{order_id}/delete-keys")).status == 200
    assert [*shop.objects.rglob("*.json")] == []


async def test_keys_are_rotated_while_orders_are_open_and_processes_seal_under_the_old_one(shop: Shop) -> None:
    delivered, waiting = [await order_goods(shop.fan, 2) for _ in range(2)]
    [*reservations, open_one] = [*await shop.reserved(delivered), *await shop.reserved(waiting)]
    for each in reservations:
        await shop.notify(each)
    await until_status(shop.fan, delivered, "FULFILLED")
    await until_status(shop.fan, waiting, "WAITING")
    assert "KEY_ENCRYPTION_KEYS does not list the key 'old'" in await shop.rotate(NEW)
    rotating = asyncio.create_task(shop.rotate(NEW_KEYS))
    await shop.notify(open_one)
    await until_status(shop.fan, waiting, "FULFILLED")
    await rotating
    await shop.rotate(NEW_KEYS)  # what was sealed under the old key meanwhile
    assert await shop.rotate(NEW_KEYS) == "rewrapped: 0 items, 0 webhooks, 0 objects\n"
    codes = await shop.codes()
    await asyncio.to_thread(shop.restart_with, NEW)
    for order_id in (delivered, waiting):
        revealed = (await shop.fan.post(f"/fulfillment/{order_id}/reveal")).data["codes"]
        assert len({each["code"] for each in revealed} & {*codes.values()}) == 2
    for webhook in (await shop.admin.get("/admin/webhook-logs", per_page=100)).data:
        assert (await shop.admin.get(f"/admin/webhook-logs/{webhook['webhook_id']}")).status == 200
