"""What a call costs its database, and whether the database is what the models say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from prometheus_client import REGISTRY
from sqlalchemy import Connection, MetaData

from common.db.engine import Database

__all__ = ["counted_statements", "remote_calls", "schema_differences"]


class StatementCount:
    """How many statements were sent since it was made."""

    def __init__(self) -> None:
        self._before = _sent()

    def __int__(self) -> int:
        return round(_sent() - self._before)


@contextmanager
def counted_statements() -> Iterator[StatementCount]:
    """Count the statements that this process sends meanwhile, by the metric that operators see."""
    yield StatementCount()


def remote_calls() -> int:
    """Return how many calls of other services this process has made, by the metric that operators see."""
    [metric] = [metric for metric in REGISTRY.collect() if metric.name == "remote_calls"]
    return round(sum(sample.value for sample in metric.samples if sample.name == "remote_calls_total"))


def _sent() -> float:
    return REGISTRY.get_sample_value("database_statements_total") or 0.0


async def schema_differences(database: Database, metadata: MetaData) -> list[Any]:
    """Return what a new migration would have to change, as Alembic's operations."""

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    async with database.transaction() as connection:
        return await connection.run_sync(differences)
