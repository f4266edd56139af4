"""What must be true of the whole platform, whatever happened to it (`python -m devstack.invariants`).

Used by the tests, the bench and the demo. The checks read every database, so they look at it *at rest*: with no saga in
hand and no message unsent; `settle` waits for that.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol, Self

import asyncpg

__all__ = ["InvariantsBroken", "PlatformUrls", "check", "require", "settle"]

PACKAGES: Final = ("users", "orders", "events", "inventory", "orchestrator")
SETTLE_SECONDS: Final = 60.0
LOOK_EVERY_SECONDS: Final = 0.05

Rows = Sequence[Mapping[str, Any]]


class PlatformUrls(Protocol):
    """Where the databases are, by package."""

    @property
    def databases(self) -> Mapping[str, str]: ...


class InvariantsBroken(AssertionError):
    """Carries every violation, one a line."""


async def require(urls: PlatformUrls, *, settle_seconds: float = SETTLE_SECONDS) -> None:
    """Wait for rest, check, and raise when anything is wrong.

    Raises:
        InvariantsBroken: what is wrong.
    """
    async with _Databases(urls) as databases:
        await _settle(databases, timeout_seconds=settle_seconds)
        violations = await _violations(databases)
    if violations:
        raise InvariantsBroken("\n".join(violations))


async def settle(urls: PlatformUrls, *, timeout_seconds: float = SETTLE_SECONDS) -> None:
    """Return when no saga is in hand and every message is sent, or when the time is over."""
    async with _Databases(urls) as databases:
        await _settle(databases, timeout_seconds=timeout_seconds)


async def check(urls: PlatformUrls) -> list[str]:
    """Return every violation as a sentence; an empty list when all is well."""
    async with _Databases(urls) as databases:
        return await _violations(databases)


async def _settle(databases: "_Databases", *, timeout_seconds: float) -> None:
    give_up_at = time.monotonic() + timeout_seconds
    while time.monotonic() < give_up_at:
        if not await _sagas_in_hand(databases) and not await _unsent_messages(databases):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _violations(databases: "_Databases") -> list[str]:
    seats = await databases.all("inventory", _SEATS)
    orders = await databases.all("orders", _ORDERS)
    order_seats = await databases.all("orders", "SELECT order_id, seat_id, price FROM order_seats")
    charges = await databases.all("users", _CHARGES)
    sagas = await databases.all("orchestrator", _PURCHASES)
    return [
        *await _sagas_in_hand(databases),
        *await _unsent_messages(databases),
        *await _ledger_violations(databases),
        *await _count_violations(databases),
        *await _capacity_violations(databases),
        *_order_violations(orders, order_seats, seats, charges),
        *_seat_violations(seats, orders),
        *_charge_violations(charges, orders),
        *_saga_violations(sagas, orders),
    ]


# --- at rest ---------------------------------------------------------------------------------------------------------


async def _sagas_in_hand(databases: "_Databases") -> list[str]:
    rows = await databases.all(
        "orchestrator",
        """SELECT saga_id, kind, state, step FROM sagas
           WHERE state IN ('RUNNING', 'UNWINDING', 'STUCK')
              OR state = 'WAITING' AND due_at < now()""",
    )
    return [f"saga {row['saga_id']} ({row['kind']}) is {row['state']} at step {row['step']}" for row in rows]


async def _unsent_messages(databases: "_Databases") -> list[str]:
    violations = []
    for package in ("users", "inventory", "orchestrator"):
        rows = await databases.all(package, "SELECT message_id, routing_key FROM outbox WHERE sent_at IS NULL")
        violations += [f"{package} has not sent {row['routing_key']} {row['message_id']}" for row in rows]
    return violations


# --- credits ---------------------------------------------------------------------------------------------------------

_CHARGES: Final = """
    SELECT t.transaction_id, t.reference, e.amount, w.account_owner AS wallet, r.transaction_id AS reversed_by
    FROM ledger_transactions t
    JOIN ledger_entries e ON e.transaction_id = t.transaction_id AND e.account_kind = 'revenue'
    JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet'
    LEFT JOIN ledger_transactions r ON r.reverses_transaction_id = t.transaction_id
    WHERE t.reverses_transaction_id IS NULL
"""


async def _ledger_violations(databases: "_Databases") -> list[str]:
    unbalanced = await databases.all(
        "users",
        """SELECT transaction_id, currency, sum(amount) AS surplus FROM ledger_entries
           GROUP BY transaction_id, currency HAVING sum(amount) <> 0""",
    )
    negative = await databases.all("users", "SELECT account_kind, account_owner FROM balances WHERE amount < 0")
    drifted = await databases.all(
        "users",
        """SELECT b.account_kind, b.account_owner, b.amount, coalesce(sum(e.amount), 0) AS entries
           FROM balances b LEFT JOIN ledger_entries e USING (account_kind, account_owner, currency)
           GROUP BY b.account_kind, b.account_owner, b.currency, b.amount
           HAVING b.amount <> coalesce(sum(e.amount), 0)""",
    )
    escrowed = await databases.all(
        "users",
        """SELECT b.account_owner, b.amount, coalesce(sum(x.amount), 0) AS held
           FROM balances b LEFT JOIN escrows x ON CAST(x.user_id AS text) = b.account_owner AND x.status = 'HELD'
           WHERE b.account_kind = 'escrow' GROUP BY b.account_owner, b.amount
           HAVING b.amount <> coalesce(sum(x.amount), 0)""",
    )
    forgotten = await databases.all("users", "SELECT escrow_id, reference FROM escrows WHERE status = 'HELD'")
    return [
        *(f"transaction {row['transaction_id']} is off by {row['surplus']} {row['currency']}" for row in unbalanced),
        *(f"{row['account_kind']} of {row['account_owner']} is negative" for row in negative),
        *(
            f"{row['account_kind']} of {row['account_owner']} is {row['amount']}, its entries say {row['entries']}"
            for row in drifted
        ),
        *(f"escrow of {row['account_owner']} is {row['amount']}, held is {row['held']}" for row in escrowed),
        # No saga that may rest holds an escrow yet.
        *(f"escrow {row['escrow_id']} ({row['reference']}) is held by nobody" for row in forgotten),
    ]


def _charge_violations(charges: Rows, orders: Rows) -> list[str]:
    """No charge lacks an order or a refund."""
    confirmed = {str(order["order_id"]) for order in orders if order["status"] == "CONFIRMED"}
    return [
        f"charge {charge['transaction_id']} has neither a confirmed order ({charge['reference']}) nor a refund"
        for charge in charges
        if charge["reversed_by"] is None and charge["reference"] not in confirmed
    ]


# --- seats -----------------------------------------------------------------------------------------------------------

_SEATS: Final = """
    SELECT seat_id, event_id, status, hold_id, held_by_user_id, owner_user_id, price_paid,
        status = 'HELD' AND held_until > now() AS is_live FROM seats
"""
OWNED: Final = frozenset({"SOLD", "LISTED", "CHECKED_IN"})


async def _count_violations(databases: "_Databases") -> list[str]:
    """The counts that fans see are those of the seats."""
    rows = await databases.all(
        "inventory",
        """WITH changed AS (
               SELECT event_id, category, sum(available) AS available, sum(held) AS held, sum(sold) AS sold,
                   sum(blocked) AS blocked
               FROM seat_count_changes GROUP BY event_id, category),
           counted AS (
               SELECT event_id, category, count(*) AS total,
                   count(*) FILTER (WHERE status = 'AVAILABLE') AS available,
                   count(*) FILTER (WHERE status = 'HELD') AS held,
                   count(*) FILTER (WHERE status IN ('SOLD', 'LISTED', 'CHECKED_IN')) AS sold,
                   count(*) FILTER (WHERE status = 'BLOCKED') AS blocked
               FROM seats GROUP BY event_id, category)
           SELECT event_id, category FROM seat_counts AS c
               LEFT JOIN changed AS d USING (event_id, category) FULL JOIN counted AS s USING (event_id, category)
           WHERE (c.total, c.available + coalesce(d.available, 0), c.held + coalesce(d.held, 0),
                  c.sold + coalesce(d.sold, 0), c.blocked + coalesce(d.blocked, 0))
               IS DISTINCT FROM (s.total, s.available, s.held, s.sold, s.blocked)""",
    )
    return [f"the counts of {row['category']} at event {row['event_id']} are not those of its seats" for row in rows]


async def _capacity_violations(databases: "_Databases") -> list[str]:
    capacity = await databases.all("events", "SELECT event_id, total_seats FROM events WHERE status = 'PUBLISHED'")
    rows = await databases.all("inventory", "SELECT event_id, count(*) AS seats FROM seats GROUP BY event_id")
    seats = {row["event_id"]: row["seats"] for row in rows}
    return [
        f"event {row['event_id']} is for {row['total_seats']} seats and has {seats.get(row['event_id'], 0)}"
        for row in capacity
        if seats.get(row["event_id"], 0) != row["total_seats"]
    ]


def _seat_violations(seats: Rows, orders: Rows) -> list[str]:
    """Every sold seat has a confirmed order, every held one an open order or a hold that ends by itself."""
    status = {order["order_id"]: order["status"] for order in orders}
    return [
        f"seat {seat['seat_id']} is {seat['status']}, its order {seat['hold_id']} is {status.get(seat['hold_id'])}"
        for seat in seats
        if not _fits(seat, status.get(seat["hold_id"]))
    ]


def _fits(seat: Mapping[str, Any], order_status: str | None) -> bool:
    if seat["status"] in OWNED:
        return order_status == "CONFIRMED"
    if seat["status"] == "HELD":
        # A purchase that died before it was stored leaves a hold without an order, until its time is over.
        return order_status == "PENDING" or (order_status is None and seat["is_live"])
    return True


# --- orders ----------------------------------------------------------------------------------------------------------

_ORDERS: Final = "SELECT order_id, user_id, status, total FROM orders"
_PURCHASES: Final = "SELECT saga_id, state FROM sagas WHERE kind = 'purchase'"
ORDER_OF_SAGA: Final[Mapping[str, set[str | None]]] = {
    "COMPLETED": {"CONFIRMED", "REFUNDED"},
    "UNWOUND": {"FAILED", "CANCELLED", None},
    "WAITING": {"PENDING"},
}


def _order_violations(orders: Rows, order_seats: Rows, seats: Rows, charges: Rows) -> list[str]:
    """Every confirmed order has just its seats, at their price, for its fan, charged once; every open one its hold."""
    own_seats = _grouped(order_seats, "order_id")
    had_seats = _grouped((seat for seat in seats if seat["hold_id"] is not None), "hold_id")
    charged = _grouped((charge for charge in charges if charge["reversed_by"] is None), "reference")
    violations = []
    for order in orders:
        own, had = own_seats.get(order["order_id"], []), had_seats.get(order["order_id"], [])
        if order["status"] == "CONFIRMED":
            violations += _confirmed_order_violations(order, own, had, charged.get(str(order["order_id"]), []))
        elif order["status"] == "PENDING" and _holders(had) != {(row["seat_id"], order["user_id"]) for row in own}:
            violations.append(f"pending order {order['order_id']} does not hold its seats")
    return violations


def _holders(seats: Rows) -> set[tuple[Any, Any]]:
    return {(seat["seat_id"], seat["held_by_user_id"]) for seat in seats if seat["status"] == "HELD"}


def _confirmed_order_violations(order: Mapping[str, Any], own: Rows, had: Rows, charged: Rows) -> list[str]:
    name = f"confirmed order {order['order_id']}"
    violations = []
    wanted = {(row["seat_id"], row["price"], order["user_id"]) for row in own}
    sold = {(seat["seat_id"], seat["price_paid"], seat["owner_user_id"]) for seat in had if seat["status"] in OWNED}
    if not own or sold != wanted or len(had) != len(own):
        violations.append(f"{name} does not have just its seats at their price for its fan")
    if sum((row["price"] for row in own), Decimal(0)) != order["total"]:
        violations.append(f"{name} has a total that is not its seats' prices")
    if [(charge["amount"], charge["wallet"]) for charge in charged] != [(order["total"], str(order["user_id"]))]:
        violations.append(f"{name} of {order['total']} was charged {[str(charge['amount']) for charge in charged]}")
    return violations


def _saga_violations(sagas: Rows, orders: Rows) -> list[str]:
    status: dict[uuid.UUID, str] = {order["order_id"]: order["status"] for order in orders}
    known = {saga["saga_id"] for saga in sagas}
    return [
        *(
            f"purchase {saga['saga_id']} is {saga['state']}, its order is {status.get(saga['saga_id'])}"
            for saga in sagas
            if saga["state"] in ORDER_OF_SAGA and status.get(saga["saga_id"]) not in ORDER_OF_SAGA[saga["state"]]
        ),
        *(f"order {order_id} has no saga" for order_id in status if order_id not in known),
    ]


def _grouped(rows: Iterable[Mapping[str, Any]], column: str) -> dict[Any, list[Mapping[str, Any]]]:
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups


class _Databases:
    """One connection to each database."""

    def __init__(self, urls: PlatformUrls) -> None:
        self._urls = urls.databases
        self._connections: dict[str, asyncpg.Connection] = {}

    async def __aenter__(self) -> Self:
        for package in PACKAGES:
            self._connections[package] = await asyncpg.connect(self._urls[package].replace("+asyncpg", ""))
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def all(self, package: str, statement: str) -> Rows:
        return [dict(row) for row in await self._connections[package].fetch(statement)]


async def _check_running_stack() -> int:
    from devstack.home import Home, default_home  # noqa: PLC0415 - only when run as a program
    from devstack.services import Urls  # noqa: PLC0415

    state = Home(default_home()).read_state()
    if state is None:
        print("Nothing runs here: `make up` first.", file=sys.stderr)
        return 2
    urls = Urls(**state.urls)
    await settle(urls)
    violations = await check(urls)
    print("\n".join(violations) or "All invariants hold.")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_check_running_stack()))
