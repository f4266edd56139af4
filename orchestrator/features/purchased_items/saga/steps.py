"""The actions and undos of the sagas that sell items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from common.errors import PaymentRequired
from orchestrator.clients import Clients
from orchestrator.errors import OtpRequired
from orchestrator.features.purchased_items.errors import ItemCancelled, ItemDeclined, ItemExpired
from orchestrator.features.purchased_items.models import DEVICE_JOB, ItemSaga
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.plan import Call

__all__ = ["ItemSteps"]

Data = TypeVar("Data", bound=ItemSaga)

# What buyer and performer read of an ended item, by the code of its end.
EXPLANATIONS: Final[Mapping[str, str]] = {
    ItemCancelled.code: "",
    ItemDeclined.code: "",
    ItemExpired.code: ItemExpired.public_message,
    PaymentRequired.code: "There were too few credits to pay for it.",
    OtpRequired.code: "It was not confirmed by code.",
}
UNEXPLAINED: Final = "It could not be performed."


@dataclass(frozen=True, slots=True)
class ItemSteps:
    clients: Clients
    jobs: JobQueue

    async def open_item(self, sale: Data, call: Call) -> Data:
        await self.clients.purchased_items.open(call, sale.item)
        return sale

    async def end_item(self, sale: ItemSaga, call: Call) -> None:
        explanation = sale.explanation or EXPLANATIONS.get(call.reason, UNEXPLAINED)
        await self.clients.purchased_items.end(call, sale.saga_id, explanation=explanation)

    async def hold_credits(self, sale: Data, call: Call) -> Data:
        escrow_id = await self.clients.ledger.hold_escrow(
            call,
            user_id=sale.item.buyer_user_id,
            amount=sale.item.price,
            reference=sale.saga_id,
            proof_reference=sale.proof_reference,
            purpose=sale.item.type,
        )
        return sale.model_copy(update={"escrow_id": escrow_id})

    async def return_credits(self, _: ItemSaga, call: Call) -> None:
        await self.clients.ledger.void_escrow(call)

    async def enqueue_item(self, sale: Data, call: Call) -> Data:
        is_funded = sale.escrow_id is not None
        place = await self.clients.purchased_items.enqueue(call, sale.saga_id, is_funded=is_funded)
        return sale.model_copy(update={"place": place})

    async def start_item(self, sale: Data, call: Call) -> Data:
        await self.clients.purchased_items.start(call, sale.saga_id)
        return sale

    async def leave_to_the_end(self, sale: ItemSaga, call: Call) -> None:
        """Undo nothing: the undo of `open_item` ends the item, whatever its status, and refuses a late action."""

    async def activate_device(self, sale: Data, _: Call) -> Data:
        """Enqueue the job that activates the performer's device, if the item has one. The saga keeps no device."""
        if sale.device is not None:
            await self.jobs.enqueue(DEVICE_JOB, sale.device, idempotency_key=f"device {sale.saga_id}")
        return sale.model_copy(update={"device": None})

    async def pay_performer(self, sale: Data, call: Call) -> Data:
        await self.clients.ledger.pay_performer(
            call,
            escrow_id=sale.escrow,
            performer_user_id=sale.item.performer_id,
            item_id=sale.saga_id,
            is_batched=sale.item.is_batched,
            bonus_points=sale.item.bonus_points,
        )
        return sale

    async def complete_item(self, sale: Data, call: Call) -> Data:
        await self.clients.purchased_items.complete(call, sale.saga_id, note=sale.note, file_url=sale.file_url)
        return sale
