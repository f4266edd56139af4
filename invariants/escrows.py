"""Escrows: held for a pending sale, released for a completed one, returned otherwise."""

from typing import Any, NamedTuple

from invariants.resales import TRANSFERRED
from invariants.snapshot import Row, Rows, Snapshot, grouped

__all__ = ["violations"]

DONE_TRANSFERS = TRANSFERRED | {"REVERSED"}


class Deal(NamedTuple):
    """The payer, the recipient and the amount of a transfer or sale."""

    payer: Any
    recipient: Any
    amount: Any


def violations(snapshot: Snapshot) -> list[str]:
    return [*_held(snapshot), *_released(snapshot), *_returned(snapshot)]


def _held(snapshot: Snapshot) -> list[str]:
    """Each sale that waits for approval has one held escrow, and no other escrow is held."""
    waiting = {
        str(listing["sale_id"]): _sale_of(listing)
        for listing in snapshot.listings
        if listing["status"] == "PENDING_TRANSFER"
    }
    held = grouped((escrow for escrow in snapshot.escrows if escrow["status"] == "HELD"), "reference")
    return [
        *(
            f"escrow {escrow['escrow_id']} ({reference}) is held without a pending sale"
            for reference, escrows in held.items()
            for escrow in escrows
            if reference not in waiting
        ),
        *(
            f"sale {sale_id} waits with {_amounts(held.get(sale_id, []))} in escrow instead of {sale.amount}"
            for sale_id, sale in waiting.items()
            if [(escrow["user_id"], escrow["amount"]) for escrow in held.get(sale_id, [])]
            != [(sale.payer, sale.amount)]
        ),
    ]


def _released(snapshot: Snapshot) -> list[str]:
    """Each completed transfer or sale has one released escrow, and nothing else has one."""
    deals = {
        str(transfer["transfer_id"]): _transfer_of(transfer)
        for transfer in snapshot.transfers
        if transfer["status"] in DONE_TRANSFERS
    } | {
        str(listing["sale_id"]): _sale_of(listing) for listing in snapshot.listings if listing["status"] == "COMPLETED"
    }
    released = grouped((escrow for escrow in snapshot.escrows if escrow["status"] == "RELEASED"), "reference")
    return [
        *(
            f"{reference} was completed for {deal.amount}, released: {_amounts(released.get(reference, []))}"
            for reference, deal in deals.items()
            if [_release_of(escrow) for escrow in released.get(reference, [])]
            != [(deal.payer, str(deal.recipient), deal.amount)]
        ),
        *(
            f"{reference} was not completed, released: {_amounts(escrows)}"
            for reference, escrows in released.items()
            if reference not in deals
        ),
    ]


def _returned(snapshot: Snapshot) -> list[str]:
    """Each reversed transfer returned its credits, and no other did. Premiums are returned by refunds."""
    returned = grouped(snapshot.clawbacks, "reference")
    reversed_ = {
        str(transfer["transfer_id"]): _transfer_of(transfer)
        for transfer in snapshot.transfers
        if transfer["status"] == "REVERSED"
    }
    return [
        *(
            f"transfer {reference} of {deal.amount} was reversed by {_amounts(returned.get(reference, []))}"
            for reference, deal in reversed_.items()
            if (str(deal.payer), deal.amount)
            not in {(row["wallet"], row["amount"]) for row in returned.get(reference, [])}
            or len({row["transaction_id"] for row in returned[reference]}) != 1
        ),
        *(
            f"{reference} is not reversed, but its credits are"
            for reference in returned.keys()
            - reversed_.keys()
            - {str(refund["saga_id"]) for refund in snapshot.refunds}
        ),
    ]


def _transfer_of(transfer: Row) -> Deal:
    return Deal(transfer["buyer_user_id"], transfer["seller_user_id"], transfer["credits_amount"])


def _sale_of(listing: Row) -> Deal:
    return Deal(listing["buyer_user_id"], listing["seller_user_id"], listing["asking_price"])


def _release_of(escrow: Row) -> tuple[Any, Any, Any]:
    return escrow["user_id"], escrow["recipient"], escrow["amount"]


def _amounts(rows: Rows) -> list[str]:
    return [str(row["amount"]) for row in rows]
