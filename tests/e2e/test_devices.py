"""Items activate their performer's device: at payment with the queue off, at the start with the queue on (M6)."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakePerformer
from tests.e2e.performer import Performer, item_of, menu_purchase
from tests.e2e.user_client import UserClient
from tests.support.http_client import http_client
from tests.support.waiting import eventually

COMMAND = "/command"
WAVE = {"pattern": "wave", "duration_seconds": 8}


@pytest.fixture
async def sandbox(platform: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Ordered faults end with the test."""
    async with http_client(platform.urls.sandbox) as http:
        yield http
        await http.delete("/control/faults")


@dataclass(frozen=True)
class Device:
    """A performer whose device does things, and a fan who makes it."""

    uid: str
    performer: Performer
    fan: UserClient
    sandbox: httpx.AsyncClient

    async def buy(self, *, queue_mode: str = "OFF", activation: dict[str, Any] | None = None) -> str:
        menu_id = await self.performer.add_menu(queue_mode=queue_mode)
        item_id = await self.performer.add_menu_item(menu_id, device_activation=activation or WAVE)
        bought = await menu_purchase(self.fan, menu_id, item_id)
        assert bought.status == 200, bought.body
        return str(bought.data["purchase_id"])

    async def did(self) -> list[tuple[str | None, int | None, int]]:
        """Return what the device did: pattern, strength and seconds."""
        activations = (await self.sandbox.get("/control/devices", params={"uid": self.uid})).json()
        return [(done["pattern"], done["strength"], done["seconds"]) for done in activations]

    async def fail(self, times: int | None) -> None:
        fault = {"path": COMMAND, "status": 503, "times": times}
        assert (await self.sandbox.post("/control/faults", json=fault)).is_success

    async def noted(self, purchase_id: str, status: str) -> dict[str, Any]:
        """Wait until the item's record says this of the device, and return what it says."""

        async def look() -> dict[str, Any]:
            device: dict[str, Any] = (await item_of(self.fan, purchase_id))["device"]
            assert device.get("status") == status, device
            return device

        return await eventually(look)


@pytest.fixture
async def device(new_performer: MakePerformer, fan: UserClient, sandbox: httpx.AsyncClient) -> Device:
    uid = f"device-{uuid.uuid4().hex[:8]}"
    return Device(uid, await new_performer(device_uid=uid), fan, sandbox)


@pytest.mark.parametrize(
    ("activation", "done"),
    [(WAVE, ("wave", None, 8)), ({"intensity": 20, "duration_seconds": 3}, (None, 20, 3))],
)
async def test_payment_activates_the_device_with_the_queue_off(
    device: Device, activation: dict[str, Any], done: tuple[object, ...]
) -> None:
    purchase_id = await device.buy(activation=activation)
    await device.noted(purchase_id, "activated")
    assert await device.did() == [done]


async def test_start_activates_the_device_with_the_queue_on(device: Device) -> None:
    purchase_id = await device.buy(queue_mode="ON")
    assert await device.did() == []
    for _ in range(2):
        assert (await device.performer.act(purchase_id, "start")).status == 200
    await device.noted(purchase_id, "activated")
    assert (await device.performer.act(purchase_id, "complete")).status == 200
    assert await device.did() == [("wave", None, 8)]


async def test_declined_item_activates_nothing(device: Device) -> None:
    purchase_id = await device.buy(queue_mode="ON")
    assert (await device.performer.act(purchase_id, "decline", reason="No time")).status == 200
    other = await device.buy()
    await device.noted(other, "activated")
    assert len(await device.did()) == 1
    assert (await item_of(device.fan, purchase_id))["device"] == {}


async def test_failed_activation_is_retried(device: Device) -> None:
    await device.fail(times=2)
    purchase_id = await device.buy()
    assert (await item_of(device.fan, purchase_id))["status"] == "success"
    await device.noted(purchase_id, "activated")
    assert await device.did() == [("wave", None, 8)]


async def test_purchase_stands_when_the_device_fails_for_good(device: Device, admin: UserClient) -> None:
    known = {job["job_id"] for job in (await admin.get("/admin/jobs", kind="device", status="failed")).data}
    await device.fail(times=None)
    before = await device.performer.balance()
    purchase_id = await device.buy()
    noted = await device.noted(purchase_id, "failed")
    assert noted["error"] == "status 503"

    async def used_up() -> dict[str, Any]:
        jobs = (await admin.get("/admin/jobs", kind="device", status="failed")).data
        assert {job["job_id"] for job in jobs} - known
        return dict(next(job for job in jobs if job["job_id"] not in known))

    job = await eventually(used_up)
    assert (job["attempts"], job["error"]["code"]) == (
        6,
        "JOB_REFUSED",
    )  # no alert: a device that is off needs no admin
    item = await item_of(device.fan, purchase_id)
    assert (item["status"], item["settlement_status"]) == ("success", "settled")
    assert await device.performer.balance() > before
    assert await device.did() == []


async def test_performer_without_a_device_sells_the_item_too(
    new_performer: MakePerformer, fan: UserClient, sandbox: httpx.AsyncClient
) -> None:
    device = Device("", await new_performer(), fan, sandbox)
    purchase_id = await device.buy()
    item = await item_of(fan, purchase_id)
    assert (item["status"], item["device"]) == ("success", {})
