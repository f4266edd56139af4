"""Credits set aside: held for a sale that waits, released for one that is done, given back for every other."""

from typing import Any, NamedTuple

from devstack.invariants.books import Books, Row, Rows, grouped
from devstack.invariants.handovers import HANDED_OVER

__all__ = ["violations"]

DONE_TRANSFERS = HANDED_OVER | {"REVERSED"}


class Deal(NamedTuple):
    """Whose credits go to whom, and how many."""

    payer: Any
    recipient: Any
    amount: Any


def violations(books: Books) -> list[str]:
    return [*_held(books), *_released(books), *_given_back(books)]


def _held(books: Books) -> list[str]:
    """Held ones are those of sales that wait for their approval, one each."""
    waiting = {
        str(listing["sale_id"]): _sale_of(listing)
        for listing in books.listings
        if listing["status"] == "PENDING_TRANSFER"
    }
    held = grouped((escrow for escrow in books.escrows if escrow["status"] == "HELD"), "reference")
    return [
        *(
            f"escrow {escrow['escrow_id']} ({reference}) is held by nobody"
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


def _released(books: Books) -> list[str]:
    """Every transfer and sale that was completed has one released escrow, and nothing else has any."""
    deals = {
        str(transfer["transfer_id"]): _transfer_of(transfer)
        for transfer in books.transfers
        if transfer["status"] in DONE_TRANSFERS
    } | {str(listing["sale_id"]): _sale_of(listing) for listing in books.listings if listing["status"] == "COMPLETED"}
    released = grouped((escrow for escrow in books.escrows if escrow["status"] == "RELEASED"), "reference")
    return [
        *(
            f"{reference} was completed for {deal.amount}, released were {_amounts(released.get(reference, []))}"
            for reference, deal in deals.items()
            if [_release_of(escrow) for escrow in released.get(reference, [])]
            != [(deal.payer, str(deal.recipient), deal.amount)]
        ),
        *(
            f"{reference} was not completed, released were {_amounts(escrows)}"
            for reference, escrows in released.items()
            if reference not in deals
        ),
    ]


def _given_back(books: Books) -> list[str]:
    """Every reversed transfer gave its credits back, and no other did."""
    back = grouped(books.clawbacks, "reference")
    reversed_ = {
        str(transfer["transfer_id"]): _transfer_of(transfer)
        for transfer in books.transfers
        if transfer["status"] == "REVERSED"
    }
    return [
        *(
            f"transfer {reference} of {deal.amount} was reversed by {_amounts(back.get(reference, []))}"
            for reference, deal in reversed_.items()
            if (str(deal.payer), deal.amount) not in {(row["wallet"], row["amount"]) for row in back.get(reference, [])}
            or len({row["transaction_id"] for row in back[reference]}) != 1
        ),
        *(f"{reference} is not reversed, its credits are" for reference in back if reference not in reversed_),
    ]


def _transfer_of(transfer: Row) -> Deal:
    return Deal(transfer["buyer_user_id"], transfer["seller_user_id"], transfer["credits_amount"])


def _sale_of(listing: Row) -> Deal:
    return Deal(listing["buyer_user_id"], listing["seller_user_id"], listing["asking_price"])


def _release_of(escrow: Row) -> tuple[Any, Any, Any]:
    return escrow["user_id"], escrow["recipient"], escrow["amount"]


def _amounts(rows: Rows) -> list[str]:
    return [str(row["amount"]) for row in rows]
