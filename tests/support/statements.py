"""Counts statements and remote calls, and compares a database with its models."""

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
    """The number of statements sent since its creation."""

    def __init__(self) -> None:
        self._before = _sent()

    def __int__(self) -> int:
        return round(_sent() - self._before)


@contextmanager
def counted_statements() -> Iterator[StatementCount]:
    """Count the statements that this process sends in the block, by the metric that operators see."""
    yield StatementCount()


def remote_calls() -> int:
    """Return how many remote calls this process has made, by the metric that operators see."""
    [metric] = [metric for metric in REGISTRY.collect() if metric.name == "remote_calls"]
    return round(sum(sample.value for sample in metric.samples if sample.name == "remote_calls_total"))


def _sent() -> float:
    return REGISTRY.get_sample_value("database_statements_total") or 0.0


async def schema_differences(database: Database, metadata: MetaData) -> list[Any]:
    """Return the operations that a new Alembic migration would contain."""

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    async with database.transaction() as connection:
        return await connection.run_sync(differences)
