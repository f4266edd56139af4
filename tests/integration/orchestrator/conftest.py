"""The saga engine on a real saga log, with one sample participant."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.settings import DatabaseSettings
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver, Observer
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.repository import SagaLog
from tests.integration.orchestrator.sample_sagas import Participant, delivery_plan, order_plan
from tests.support.servers import DatabaseFactory
from tests.support.timeouts import CONDITION_SECONDS


@pytest.fixture(scope="module")
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    settings = DatabaseSettings(database_url=SecretStr(database_url("orchestrator")))
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@dataclass
class Harness:
    """One participant, one saga log, any number of engines: each is a replica."""

    database: Database
    participant: Participant = field(default_factory=Participant)

    def replica(
        self,
        observer: Observer | None = None,
        *,
        budget_seconds: float = CONDITION_SECONDS,
        step_timeout_seconds: float = CONDITION_SECONDS,
        plans: Sequence[AnyPlan] | None = None,
    ) -> SagaEngine:
        """Return an engine of the given plans; of the sample plans when omitted."""
        known: Sequence[AnyPlan] = plans or (
            order_plan(self.participant, step_timeout_seconds=step_timeout_seconds),
            delivery_plan(self.participant),
        )
        log = SagaLog(self.database, known, wake_relay=lambda: None)
        return SagaEngine(log, known, observer or LoggingObserver(), request_budget_seconds=budget_seconds)

    async def make_due(self) -> None:
        """Let every lease, pause and wait end now."""
        await self.database.execute(
            text("UPDATE sagas SET due_at = now() - interval '1 second' WHERE due_at IS NOT NULL")
        )

    async def change(self, saga_id: uuid.UUID, **columns: str) -> None:
        """Change text and JSON columns of a saga's row."""
        for column, value in columns.items():
            cast = "jsonb" if column in {"data", "error"} else "text"
            await self.database.execute(
                text(f"UPDATE sagas SET {column} = CAST(:value AS {cast}) WHERE saga_id = :saga_id"),  # noqa: S608
                {"saga_id": saga_id, "value": value},
            )

    async def row(self, saga_id: uuid.UUID) -> dict[str, Any]:
        row = await self.database.fetch_one(text("SELECT * FROM sagas WHERE saga_id = :id"), {"id": saga_id})
        assert row is not None
        return dict(row)

    async def announced(self) -> list[str]:
        """Return the types of the messages in the outbox, oldest first."""
        rows = await self.database.fetch_all(text("SELECT routing_key FROM outbox ORDER BY created_at"))
        return [row["routing_key"] for row in rows]


@pytest.fixture
async def harness(database: Database) -> Harness:
    await database.execute(text("TRUNCATE sagas, outbox, idempotency_keys"))
    return Harness(database)
