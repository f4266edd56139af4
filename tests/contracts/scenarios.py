"""Every saga. A new one joins the contract with a line here."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from orchestrator.container import Container
from orchestrator.saga_engine.plan import AnyPlan
from tests.contracts import (
    cancel_event,
    commission,
    commission_writing,
    digital_order,
    edit_event,
    item_purchase,
    listing,
    payout,
    purchase,
    put_on_sale,
    queued_menu_item,
    queued_tip,
    refund,
    resale,
    reversal,
    seat_refund,
    transfer,
)
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.scenario import Scenario

__all__ = ["FAULT_MIXES", "OUTLINES", "PREPARE", "SHARED"]

Prepare: TypeAlias = Callable[[Container, Databases, PublishedEvent], Awaitable[Scenario]]

_SCENARIOS: Final[Mapping[AnyPlan, Prepare]] = {
    purchase.OUTLINE: purchase.PurchaseScenario.prepare,
    put_on_sale.OUTLINE: put_on_sale.PutOnSaleScenario.prepare,
    transfer.OUTLINE: transfer.TransferScenario.prepare,
    reversal.OUTLINE: reversal.ReversalScenario.prepare,
    listing.LISTING_OUTLINE: listing.ListingScenario.prepare,
    listing.WITHDRAWAL_OUTLINE: listing.WithdrawalScenario.prepare,
    resale.OUTLINE: resale.ResaleScenario.prepare,
    refund.OUTLINE: refund.RefundScenario.prepare,
    seat_refund.OUTLINE: seat_refund.SeatRefundScenario.prepare,
    cancel_event.OUTLINE: cancel_event.CancelEventScenario.prepare,
    edit_event.OUTLINE: edit_event.EditEventScenario.prepare,
    payout.OUTLINE: payout.PayoutScenario.prepare,
    queued_menu_item.OUTLINE: queued_menu_item.QueuedMenuItemScenario.prepare,
    queued_tip.QUEUED_OUTLINE: queued_tip.QueuedTipScenario.prepare,
    queued_tip.FUNDED_OUTLINE: queued_tip.FundedTipScenario.prepare,
    commission.OUTLINE: commission.CommissionScenario.prepare,
    commission.BY_CARD_OUTLINE: commission.CommissionByCardScenario.prepare,
    commission_writing.OUTLINE: commission_writing.WritingScenario.prepare,
    digital_order.OUTLINE: digital_order.DigitalOrderScenario.prepare,
    digital_order.BY_CRYPTO_OUTLINE: digital_order.DigitalOrderByCryptoScenario.prepare,
}
# More scenarios of one saga, by name.
_VARIANTS: Final[Mapping[str, tuple[AnyPlan, Prepare]]] = {
    "item purchase with a device": (item_purchase.OUTLINE, item_purchase.MenuItemScenario.prepare),
    "item purchase of a subscription": (item_purchase.OUTLINE, item_purchase.SubscriptionScenario.prepare),
}
OUTLINES: Final[Mapping[str, AnyPlan]] = {plan.kind: plan for plan in _SCENARIOS} | {
    name: plan for name, (plan, _) in _VARIANTS.items()
}
PREPARE: Final[Mapping[str, Prepare]] = {plan.kind: prepare for plan, prepare in _SCENARIOS.items()} | {
    name: prepare for name, (_, prepare) in _VARIANTS.items()
}

# Steps that another saga of the same plan has with the same steps before and behind them: its cases stand for both.
SHARED: Final = frozenset(
    (outline.kind, step.name)
    for outline, own in (
        (commission.OUTLINE, {"open order", "hold credits"}),
        (digital_order.OUTLINE, {"take stock", "hold credits"}),
    )
    for step in outline.steps
    if step.name not in own
)
"""Kinds and steps without cases of their own."""

# The two sagas on which all others rest get more combinations.
FAULT_MIXES: Final[Mapping[str, int]] = dict.fromkeys(OUTLINES, 4) | {
    purchase.OUTLINE.kind: 12,
    put_on_sale.OUTLINE.kind: 8,
}
"""How many combinations of faults each saga runs through."""
