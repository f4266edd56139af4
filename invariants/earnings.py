"""Earnings: what is pending is booked, and each payout paid what it says, once."""

from collections.abc import Iterator
from decimal import Decimal

from invariants.snapshot import Rows, Snapshot, grouped


def violations(snapshot: Snapshot) -> list[str]:
    return [*_pending(snapshot), *_accounts(snapshot), *_payouts(snapshot), *_recorded(snapshot)]


def _pending(snapshot: Snapshot) -> Iterator[str]:
    """Each batched payment is noted as pending, with its amount, and nothing else is."""
    booked = {
        (str(payment["transaction_id"]), payment["reference"], payment["performer"], payment["amount"])
        for payment in snapshot.performer_payments
        if payment["is_batched"]
    }
    noted = {
        (str(row["transaction_id"]), str(row["item_id"]), str(row["performer_user_id"]), row["amount"])
        for row in snapshot.pending_earnings
    }
    for _, item_id, performer_id, amount in booked - noted:
        yield f"payment of {amount} for {item_id} to performer {performer_id} is not noted as pending"
    for _, item_id, performer_id, amount in noted - booked:
        yield f"pending earnings of {amount} for {item_id} of performer {performer_id} were not paid"


def _accounts(snapshot: Snapshot) -> Iterator[str]:
    """The account of a performer's pending earnings is the sum of those that were not paid out."""
    unpaid = {
        str(performer_id): _sum(rows)
        for performer_id, rows in grouped(
            (row for row in snapshot.pending_earnings if row["payout_id"] is None), "performer_user_id"
        ).items()
    }
    booked = {row["account_owner"]: row["amount"] for row in snapshot.pending_accounts}
    for performer_id in unpaid.keys() | booked.keys():
        amount, rows = booked.get(performer_id, Decimal(0)), unpaid.get(performer_id, Decimal(0))
        if amount != rows:
            yield f"pending earnings of performer {performer_id} are {amount}, what was not paid out sums up to {rows}"


def _payouts(snapshot: Snapshot) -> Iterator[str]:
    """A payout is the sum of what it paid, and its transaction moved that. The payouts of a performer have no gap."""
    paid = grouped(snapshot.pending_earnings, "payout_id")
    for payout in snapshot.payouts:
        rows = paid.get(payout["payout_id"], [])
        owners = {row["performer_user_id"] for row in rows} | {payout["performer_user_id"]}
        facts = (payout["amount"], payout["items"], payout["moved"])
        if facts != (_sum(rows), len(rows), _sum(rows)) or len(owners) != 1:
            yield (
                f"payout {payout['payout_id']} of performer {payout['performer_user_id']} is {payout['amount']} for "
                f"{payout['items']} items and moved {payout['moved']}, its {len(rows)} items sum up to {_sum(rows)}"
            )
    for performer_id, payouts in grouped(snapshot.payouts, "performer_user_id").items():
        if sorted(payout["number"] for payout in payouts) != [*range(1, len(payouts) + 1)]:
            yield f"payouts of performer {performer_id} are not numbered without a gap"


def _recorded(snapshot: Snapshot) -> Iterator[str]:
    return (
        f"earnings of performer {row['performer_id']} are recorded wrongly: {row['counted']}"
        for row in snapshot.miscounted_earnings
    )


def _sum(rows: Rows) -> Decimal:
    return sum((row["amount"] for row in rows), Decimal(0))
