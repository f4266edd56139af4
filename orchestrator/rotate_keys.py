"""`python -m orchestrator.rotate_keys`: puts everything sealed under the first of KEY_ENCRYPTION_KEYS, and prints the counts.

It rewraps the codes of items, the bodies of webhooks and stored objects. It may run while orders are open, and be repeated
after a failure. docs/operations.md has the steps of a rotation.
"""

import asyncio
import sys
import uuid
from dataclasses import dataclass
from typing import Final

from common.db.engine import Database
from common.errors import ServiceError
from common.sealing import SealBroken, Sealer
from common.telemetry.logs import configure_logs
from orchestrator.clients import SERVICE, Clients
from orchestrator.clients.orders.digital_orders import DigitalOrdersClient
from orchestrator.features.digital_goods.adapters.storage import code_storage
from orchestrator.features.digital_goods.service.codes import OBJECTS, OrderCodes
from orchestrator.features.inbound_webhooks.adapters.supplier import without_codes
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.settings import Settings

__all__ = ["Rotated", "rotate"]

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many envelopes were rewrapped; zeros if all were under the current key."""

    items: int
    webhooks: int
    objects: int


async def rotate(settings: Settings) -> Rotated:
    """Rewrap everything.

    Raises:
        Unavailable: the database, the orders service or the storage does not respond.
        SealBroken: something was sealed under a key that is not listed.
    """
    sealer, clients = Sealer.of(settings), Clients.connect(settings)
    database = Database(settings, application_name=f"{SERVICE}-rotate-keys")
    storage = code_storage(settings)
    log = WebhookLog(database, sealer)
    codes = OrderCodes(orders=clients.digital_orders, storage=storage, sealer=sealer)
    try:
        return Rotated(
            items=await _rewrap_items(clients.digital_orders, sealer),
            webhooks=await log.seal_all(without_goods=without_codes) + await log.rewrap(),
            # Objects come last: one written meanwhile by a process with the former key is listed still.
            objects=sum([await codes.rewrap(name) for name in await storage.names(OBJECTS)]),
        )
    finally:
        await clients.close()
        await database.close()


async def _rewrap_items(orders: DigitalOrdersClient, sealer: Sealer) -> int:
    rewrapped = 0
    after: uuid.UUID | None = None
    while batch := await orders.sealed_codes(after=after, limit=BATCH):
        for codes in batch:
            if (current := sealer.rewrap(codes.sealed)) is not None:
                rewrapped += await orders.replace_codes(codes, sealed=current)
        after = batch[-1].item_id
    return rewrapped


def main() -> None:
    settings = Settings()
    configure_logs(service="rotate-keys", level="ERROR", log_format=settings.log_format)
    try:
        done = asyncio.run(rotate(settings))
    except SealBroken as error:
        key_id = error.private.get("key_id")
        cause = f"KEY_ENCRYPTION_KEYS does not list the key {key_id!r}" if key_id else "an envelope is damaged"
        sys.exit(f"Not everything is rewrapped: {cause}. What is rewrapped stays so.")
    except ServiceError as error:
        sys.exit(f"Not everything is rewrapped; repeat the command: {error.code} {error.private}")
    sys.stdout.write(f"rewrapped: {done.items} items, {done.webhooks} webhooks, {done.objects} objects\n")


if __name__ == "__main__":
    main()
