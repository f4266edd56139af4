"""Tips as the orchestrator makes them: an escrow that is paid to a performer."""

import uuid
from typing import Final

from tests.integration.users.user_client import LedgerCaller

PRICE: Final = "12.50"


async def held(ledger: LedgerCaller, *, by: uuid.UUID | None = None, amount: str = PRICE) -> str:
    """Return an escrow for a tip."""
    buyer = by or await ledger.open_wallet(amount)
    hold = await ledger.hold(buyer, amount, purpose="tip_grid_item")
    hold.raise_for_status()
    return str(hold.json()["data"]["escrow_id"])


async def tip(ledger: LedgerCaller, performer: uuid.UUID, amount: str = PRICE) -> uuid.UUID:
    """Pay a tip to pending earnings, and return the item's id."""
    item_id = uuid.uuid4()
    paid = await ledger.pay(await held(ledger, amount=amount), performer, item_id=item_id, is_batched=True)
    paid.raise_for_status()
    return item_id
