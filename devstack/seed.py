"""The seed data of development and tests. Seeding is idempotent. ``python -m devstack.seed`` seeds migrated databases.

Ids and prices are the contract's. The services' own statements create seats and credits, so that counts, ledger and
stored requests are consistent.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from argon2 import PasswordHasher
from pydantic import SecretStr
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from common.db.engine import Database, Row
from common.db.idempotency import ParticipantRequest
from common.errors import NotFound, ServiceError
from common.settings import DatabaseSettings, EnvironmentSettings
from devstack.seed_articles import seed_articles
from devstack.seed_performer import seed_performer
from devstack.seed_products import seed_products
from inventory.repository.halls import HallRepository
from inventory.schemas import LayoutCategory, LayoutRow
from users.ledger.repository import LedgerRepository, Operation

__all__ = ["CONCERT_ID", "HALL_EVENT_ID", "PASSWORD", "PERFORMER_ID", "USERS", "seed"]

PASSWORD: Final = "password123"  # noqa: S105 - the contract's seed users, in development only
VENUE_ID: Final = uuid.UUID("a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1")
CONCERT_ID: Final = uuid.UUID("e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1")
PERFORMER_ID: Final = uuid.UUID("45454545-4545-4545-4545-454545454545")
HALL_EVENT_ID: Final = uuid.UUID("e2e2e2e2-e2e2-e2e2-e2e2-e2e2e2e2e2e2")
FIRST_SEAT: Final = 101
SEATS_PER_ROW: Final = 5
HALL_ROW: Final = 20
DAYS_AHEAD: Final = 90


@dataclass(frozen=True, slots=True)
class SeedUser:
    user_id: uuid.UUID
    email: str
    phone: str
    name: str
    role: str = "customer"
    credits: int = 0
    is_flagged: bool = False
    hall_id: str | None = None


USERS: Final = (
    SeedUser(
        uuid.UUID("41414141-4141-4141-4141-414141414141"), "user1@example.com", "+6581110001", "Mei Lin", credits=1000
    ),
    SeedUser(
        uuid.UUID("42424242-4242-4242-4242-424242424242"),
        "user2@example.com",
        "+6581110002",
        "Arjun Rao",
        credits=500,
        is_flagged=True,
    ),
    SeedUser(
        uuid.UUID("43434343-4343-4343-4343-434343434343"), "admin@example.com", "+6581110003", "Sam Admin", role="admin"
    ),
    SeedUser(
        uuid.UUID("44444444-4444-4444-4444-444444444444"),
        "staff@example.com",
        "+6581110004",
        "Dana Door",
        role="staff",
        hall_id="HALL-A",
    ),
    SeedUser(
        PERFORMER_ID,
        "performer@example.com",
        "+6581110005",
        "Nova",
        role="performer",
    ),
    SeedUser(
        uuid.UUID("46464646-4646-4646-4646-464646464646"),
        "organiser@example.com",
        "+6581110006",
        "Olga Organiser",
        role="organiser",
    ),
)


class Settings(EnvironmentSettings):
    """The URLs of the databases, for the command."""

    users_database_url: SecretStr
    events_database_url: SecretStr
    inventory_database_url: SecretStr

    @property
    def databases(self) -> Mapping[str, str]:
        """The URLs by package."""
        return {
            "users": self.users_database_url.get_secret_value(),
            "events": self.events_database_url.get_secret_value(),
            "inventory": self.inventory_database_url.get_secret_value(),
        }


class SeededUrls(Protocol):
    """The URLs of the databases, by package."""

    @property
    def databases(self) -> Mapping[str, str]: ...


async def seed(urls: SeededUrls) -> None:
    """Add the missing seed data to migrated databases."""
    users, events, inventory = (_database(urls.databases[package]) for package in ("users", "events", "inventory"))
    try:
        await _seed_users(users)
        await _seed_events(events)
        await seed_performer(events, PERFORMER_ID)
        await seed_articles(events, event_id=CONCERT_ID, owner_user_id=USERS[0].user_id)
        await seed_products(events)
        await _seed_seats(inventory)
    finally:
        for database in (users, events, inventory):
            await database.close()


def _database(url: str) -> Database:
    return Database(DatabaseSettings(database_url=SecretStr(url), database_pool_size=1), application_name="seed")


# --- users and their credits -----------------------------------------------------------------------------------------

_INSERT_USER: Final = text(
    """
    WITH inserted AS (
        INSERT INTO users (user_id, email, email_verified_at, phone, password_hash, roles, is_flagged, is_verified)
        VALUES (:user_id, :email, now(), :phone, :password_hash, :roles, :is_flagged, true)
        ON CONFLICT DO NOTHING
        RETURNING user_id)
    INSERT INTO balances (account_kind, account_owner, currency)
    SELECT kind, CAST(user_id AS text), 'SGD' FROM inserted CROSS JOIN unnest(ARRAY['wallet', 'escrow']) AS kind
    """
).bindparams(bindparam("roles", type_=ARRAY(Text)))
# Separate from the insert, so that it also updates users who were seeded before users had names.
_NAME_USER: Final = text(
    "UPDATE users SET name = :name, assigned_hall_id = CAST(:hall_id AS text) WHERE user_id = :user_id AND name = ''"
)
# Of users who were seeded before addresses were proven.
_PROVE_EMAIL: Final = text(
    "UPDATE users SET email_verified_at = now() "
    "WHERE user_id = :user_id AND email = :email AND email_verified_at IS NULL"
)
_KNOWN_USERS: Final = text("SELECT user_id FROM users WHERE user_id = ANY(:user_ids)")


async def _seed_users(database: Database) -> None:
    rows = await database.fetch_all(_KNOWN_USERS, {"user_ids": [user.user_id for user in USERS]})
    known = {row["user_id"] for row in rows}
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    for user in USERS:
        if user.user_id not in known:
            await database.execute(_INSERT_USER, _user_values(user, hasher.hash(PASSWORD)))
        await database.execute(_NAME_USER, {"user_id": user.user_id, "name": user.name, "hall_id": user.hall_id})
        await database.execute(_PROVE_EMAIL, {"user_id": user.user_id, "email": user.email})
        if user.credits:
            await _give_credits(LedgerRepository(database), user)


def _user_values(user: SeedUser, password_hash: str) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "email": user.email,
        "phone": user.phone,
        "password_hash": password_hash,
        "roles": ["customer"] if user.role == "customer" else ["customer", user.role],
        "is_flagged": user.is_flagged,
    }


async def _give_credits(ledger: LedgerRepository, user: SeedUser) -> None:
    """Top up the wallet once, even if credits were spent since: the request id is derived from the user id."""

    async def refuse(_: Row) -> ServiceError:
        return NotFound(user_id=user.user_id)

    request = ParticipantRequest.of(uuid.uuid5(user.user_id, "seed credits"), "seed credits", credits=user.credits)
    facts = {"user_id": user.user_id, "provider": "seed", "amount": Decimal(user.credits), "reference": "seed"}
    await ledger.move(Operation.TOP_UP, request, facts, refuse=refuse)


# --- events ----------------------------------------------------------------------------------------------------------

_INSERT_VENUE: Final = text(
    """
    INSERT INTO venues (venue_id, name, address, total_halls, halls, limits_halls)
    VALUES (:venue_id, 'Singapore Indoor Stadium', '2 Stadium Walk, Singapore 397691', 3, '{HALL-A,HALL-B}', true)
    ON CONFLICT DO NOTHING
    """
)
# The doors are open, so that tickets can be scanned at once.
_INSERT_EVENT: Final = text(
    """
    INSERT INTO events (event_id, venue_id, name, status, hall_id, event_date, doors_open_at, total_seats, layout,
        published_at)
    VALUES (:event_id, :venue_id, :name, 'PUBLISHED', :hall_id, :event_date, now(), :total_seats, :layout, now())
    ON CONFLICT (event_id) DO UPDATE SET doors_open_at = coalesce(events.doors_open_at, now())
    """
).bindparams(bindparam("layout", type_=JSONB))
_INSERT_TIER: Final = text(
    "INSERT INTO pricing_tiers (event_id, category, price) VALUES (:event_id, :category, :price) ON CONFLICT DO NOTHING"
)


async def _seed_events(database: Database) -> None:
    await database.execute(_INSERT_VENUE, {"venue_id": VENUE_ID})
    await _seed_event(database, CONCERT_ID, name="Harbour Lights Live", hall_id="HALL-A", layout=_small_hall())
    await _seed_event(database, HALL_EVENT_ID, name="Symphony under the Stars", hall_id="HALL-B", layout=_real_hall())


async def _seed_event(
    database: Database, event_id: uuid.UUID, *, name: str, hall_id: str, layout: list[LayoutCategory]
) -> None:
    values = {
        "event_id": event_id,
        "venue_id": VENUE_ID,
        "name": name,
        "hall_id": hall_id,
        "event_date": datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(DAYS_AHEAD),
        "total_seats": sum(row.seats for category in layout for row in category.rows),
        "layout": [_layout_json(category) for category in layout],
    }
    await database.execute(_INSERT_EVENT, values)
    for category in layout:
        tier = {"event_id": event_id, "category": category.category, "price": category.price}
        await database.execute(_INSERT_TIER, tier)


def _layout_json(category: LayoutCategory) -> dict[str, Any]:
    rows = [{"row_number": row.row_number, "seats": row.seats} for row in category.rows]
    return {"category": category.category, "price": f"{category.price:.2f}", "rows": rows}


# --- seats -----------------------------------------------------------------------------------------------------------


async def _seed_seats(database: Database) -> None:
    for event_id, layout in ((CONCERT_ID, _small_hall()), (HALL_EVENT_ID, _real_hall())):
        request = ParticipantRequest.of(uuid.uuid5(event_id, "seed seats"), "seed seats", event_id=event_id)
        await HallRepository(database).provision(request, event_id, layout)


def _small_hall() -> list[LayoutCategory]:
    """Return rows A to D of five seats, with ids 101 to 120 in hall order."""
    categories = {"CAT1": ("350.00", "AB"), "CAT2": ("250.00", "C"), "CAT3": ("180.00", "D")}
    return [
        LayoutCategory(category=name, price=Decimal(price), rows=[_small_row(letter) for letter in letters])
        for name, (price, letters) in categories.items()
    ]


def _small_row(letter: str) -> LayoutRow:
    first = FIRST_SEAT + SEATS_PER_ROW * (ord(letter) - ord("A"))
    seat_ids = [uuid.UUID(f"55555555-5555-5555-5555-555555555{first + i}") for i in range(SEATS_PER_ROW)]
    return LayoutRow(row_number=letter, seats=SEATS_PER_ROW, seat_ids=seat_ids)


def _real_hall() -> list[LayoutCategory]:
    """Return 500 seats: 25 rows of twenty."""
    categories = {"CAT1": ("350.00", "ABCDE"), "CAT2": ("250.00", "FGHIJKLMNO"), "CAT3": ("180.00", "PQRSTUVWXY")}
    return [
        LayoutCategory(
            category=name,
            price=Decimal(price),
            rows=[LayoutRow(row_number=letter, seats=HALL_ROW) for letter in letters],
        )
        for name, (price, letters) in categories.items()
    ]


if __name__ == "__main__":
    asyncio.run(seed(Settings()))
