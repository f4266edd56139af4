"""An inventory for one test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from inventory.app import Inventory
from inventory.settings import Settings


@asynccontextmanager
async def running_inventory(settings: Settings) -> AsyncIterator[Inventory]:
    """Serve, connected to the broker: aborting a half-open connection leaves tasks behind in the client library."""
    inventory = Inventory(settings)
    async with inventory.lifespan(FastAPI()):
        await inventory.publisher.broker.wait_until_ready()
        await inventory.consumer.broker.wait_until_ready()
        yield inventory
