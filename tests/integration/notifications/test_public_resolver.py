"""Integrators' names are resolved concurrently, checked, and with a timeout."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from orchestrator.features.outbound_webhooks.adapters.public_resolver import PublicResolver
from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from orchestrator.features.outbound_webhooks.errors import AddressNotAllowed, NotDelivered
from tests.integration.notifications.name_server import NameServer
from tests.support.waiting import eventually

V4, V6 = "93.184.216.34", "2606:2800:220:1::1"
KNOWN = {
    "quick.example": [V4, V6],
    "four.example": [V4],
    "six.example": [V6],
    "empty.example": [],
    "slow.example": [V4],
    "inside.example": ["127.0.0.1"],
    "halfway.example": [V4, "fd00::1"],
}


@pytest.fixture
async def name_server() -> AsyncIterator[NameServer]:
    async with NameServer(KNOWN) as server:
        yield server


@pytest.fixture
def names(name_server: NameServer) -> PublicResolver:
    return PublicResolver([name_server.address])


async def addresses(names: PublicResolver, host: str) -> list[str]:
    return [result["host"] for result in await names.resolve(host, 443)]


@pytest.mark.parametrize("host", ["quick.example", "four.example", "six.example", "quick.example."])
async def test_name_resolves_to_the_addresses_of_its_server(names: PublicResolver, host: str) -> None:
    assert await addresses(names, host) == KNOWN[host.rstrip(".")]


@pytest.mark.parametrize("host", ["nobody.example", "empty.example", f"{'a' * 64}.example"])
async def test_name_without_an_address_is_a_network_error(names: PublicResolver, host: str) -> None:
    with pytest.raises(OSError, match=host):
        await addresses(names, host)


async def test_slow_name_server_does_not_delay_other_names(names: PublicResolver, name_server: NameServer) -> None:
    """Any number of callers may wait: here more than any thread pool has threads."""
    slow = [asyncio.create_task(addresses(names, "slow.example")) for _ in range(50)]
    await eventually(lambda: name_server.asked["slow.example"] >= 100)
    assert await addresses(names, "quick.example") == [V4, V6]
    assert not any(task.done() for task in slow)
    name_server.gate.set()
    assert await asyncio.gather(*slow) == [[V4]] * 50


async def test_silent_name_server_times_out(name_server: NameServer) -> None:
    names = PublicResolver([name_server.address], lookup_seconds=0.1)
    sender = WebhookSender(names, is_private_allowed=False, timeout_seconds=60, connect_timeout_seconds=60)
    with pytest.raises(NotDelivered):
        await sender.post("https://slow.example/", body="{}", headers={})


@pytest.mark.parametrize("host", ["inside.example", "halfway.example"])
async def test_name_of_a_private_address_is_refused(names: PublicResolver, host: str) -> None:
    with pytest.raises(AddressNotAllowed):
        await addresses(names, host)
    sender = WebhookSender(names, is_private_allowed=False, timeout_seconds=60, connect_timeout_seconds=60)
    with pytest.raises((AddressNotAllowed, NotDelivered)) as refused:
        await sender.post(f"https://{host}/", body="{}", headers={})
    assert refused.type is AddressNotAllowed, "the sender looks names up elsewhere"
