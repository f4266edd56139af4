"""The saga engine on a real saga log, with a kitchen as its only participant."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.settings import DatabaseSettings
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver, Observer
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.repository import SagaLog
from tests.integration.orchestrator.sample_sagas import Kitchen, baking_plan, serving_plan
from tests.support.servers import DatabaseFactory
from tests.support.timeouts import CONDITION_SECONDS


@pytest.fixture(scope="module")
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    settings = DatabaseSettings(database_url=SecretStr(database_url("orchestrator")))
    database = Database(settings, application_name="tests")
    yield database
    await database.close()


@dataclass
class Bakery:
    """One kitchen, one saga log, any number of engines: each is a replica."""

    database: Database
    kitchen: Kitchen = field(default_factory=Kitchen)

    def replica(
        self,
        observer: Observer | None = None,
        *,
        budget_seconds: float = CONDITION_SECONDS,
        step_timeout_seconds: float = CONDITION_SECONDS,
    ) -> SagaEngine:
        plans: list[AnyPlan] = [
            baking_plan(self.kitchen, step_timeout_seconds=step_timeout_seconds),
            serving_plan(self.kitchen),
        ]
        log = SagaLog(self.database, plans, on_announced=lambda: None)
        return SagaEngine(log, plans, observer or LoggingObserver(), request_budget_seconds=budget_seconds)

    async def make_due(self) -> None:
        """Let every lease and every wait run out now."""
        await self.database.execute(
            text("UPDATE sagas SET due_at = now() - interval '1 second' WHERE due_at IS NOT NULL")
        )

    async def make_unreadable(self, saga_id: uuid.UUID) -> None:
        """Let it look as if a newer release had written it."""
        await self.database.execute(
            text("UPDATE sagas SET kind = 'unheard of' WHERE saga_id = :saga_id"), {"saga_id": saga_id}
        )

    async def announced(self) -> list[str]:
        """Return the kinds of messages in the outbox, oldest first."""
        rows = await self.database.fetch_all(text("SELECT routing_key FROM outbox ORDER BY created_at"))
        return [row["routing_key"] for row in rows]


@pytest.fixture
async def bakery(database: Database) -> Bakery:
    await database.execute(text("TRUNCATE sagas, outbox, idempotency_keys"))
    return Bakery(database)
