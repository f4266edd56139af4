"""Old rows are deleted in batches, whatever else happens to them; younger rows stay."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text

from common.db import retention
from common.db.engine import Database
from common.db.idempotency import REQUESTS_RETENTION
from common.db.retention import Retention, RetentionTask, TableRetention
from common.messaging.outbox import sent_retention
from common.settings import DatabaseSettings
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

OLD = timedelta(days=91)
YOUNG = timedelta(days=89)

_STORE = text(
    """
    INSERT INTO requests (request_id, fingerprint, result, created_at)
    SELECT gen_random_uuid(), :fingerprint, '{}', now() - CAST(:age AS interval) - number * interval '1 ms'
    FROM generate_series(1, :rows) AS number
    """
)
_COUNT = text("SELECT count(*) AS rows FROM requests WHERE fingerprint = :fingerprint")
_LOG_DELETIONS = (
    "CREATE TABLE deletions (rows bigint)",
    """
    CREATE FUNCTION log_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO deletions SELECT count(*) FROM gone;
        RETURN NULL;
    END $$
    """,
)


@pytest.fixture(scope="module")
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    opened = Database(DatabaseSettings(database_url=SecretStr(database_url("users"))), application_name="tests")
    for statement in _LOG_DELETIONS:
        await opened.execute(text(statement))
    for table in ("requests", "outbox"):
        await opened.execute(
            text(
                f"CREATE TRIGGER log_deletion AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone"
                " FOR EACH STATEMENT EXECUTE FUNCTION log_deletion()"
            )
        )
    yield opened
    await opened.close()


async def store(database: Database, *, age: timedelta, rows: int = 1) -> str:
    fingerprint = uuid.uuid4().hex
    await database.execute(_STORE, {"fingerprint": fingerprint, "age": age, "rows": rows})
    return fingerprint


async def count(database: Database, fingerprint: str) -> int:
    row = await database.fetch_one(_COUNT, {"fingerprint": fingerprint})
    assert row is not None
    return int(row["rows"])


async def delete(database: Database, rule: Retention = REQUESTS_RETENTION, *, until_gone: str) -> None:
    task = RetentionTask(database, [rule], interval_seconds=0.05)
    task.start()
    try:
        await eventually(lambda: _is_gone(database, until_gone))
    finally:
        await task.close()


async def _is_gone(database: Database, fingerprint: str) -> bool:
    return await count(database, fingerprint) == 0


async def test_only_rows_beyond_the_period_are_deleted(database: Database) -> None:
    old, young = await store(database, age=OLD, rows=3), await store(database, age=YOUNG, rows=3)
    await delete(database, until_gone=old)
    assert await count(database, young) == 3


async def test_rows_without_the_condition_stay(database: Database) -> None:
    kept, old = await store(database, age=OLD * 2, rows=2), await store(database, age=OLD)
    rule = Retention(table="requests", aged_by="created_at", keep_days=90, condition=f"fingerprint <> '{kept}'")
    await delete(database, rule, until_gone=old)
    assert await count(database, kept) == 2


async def test_deletion_continues_after_an_unexpected_error(database: Database) -> None:
    old, task = await store(database, age=OLD), RetentionTask(database, [REQUESTS_RETENTION], interval_seconds=0.05)
    await database.execute(text("ALTER TABLE requests RENAME TO requests_away"))
    before = failures()
    task.start()
    try:
        await eventually(lambda: failures() > before)
        await database.execute(text("ALTER TABLE requests_away RENAME TO requests"))
        await eventually(lambda: _is_gone(database, old))
    finally:
        await task.close()


def failures() -> float:
    return REGISTRY.get_sample_value("periodic_task_failures_total", {"task": "retention"}) or 0.0


async def test_backlog_is_deleted_in_batches(database: Database) -> None:
    await database.execute(text("TRUNCATE deletions"))
    old = await store(database, age=OLD, rows=3 * retention.BATCH + 1)
    await delete(database, until_gone=old)
    assert await _largest_deletion(database) == retention.BATCH


async def test_run_ends_at_its_time_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of a backlog is left to the next run."""
    old = await store(database, age=OLD)
    monkeypatch.setattr(retention, "RUN_SECONDS", 0.0)
    await TableRetention(database, REQUESTS_RETENTION).delete_old()
    assert await count(database, old) == 1
    monkeypatch.undo()
    await delete(database, until_gone=old)


async def test_sent_messages_are_deleted_in_batches(database: Database) -> None:
    """One statement for a backlog of millions would exceed its time, and never delete any of it."""
    await database.execute(text("TRUNCATE deletions"))
    await database.execute(
        text(
            """
            INSERT INTO outbox (message_id, exchange, routing_key, body, sent_at)
            SELECT gen_random_uuid(), '', '', '', now() - interval '73 hours' FROM generate_series(1, :rows)
            """
        ),
        {"rows": 2 * retention.BATCH + 1},
    )
    await database.execute(
        text(
            """
            INSERT INTO outbox (message_id, exchange, routing_key, body, created_at)
            VALUES (gen_random_uuid(), '', '', '', now() - interval '4 days')
            """
        )
    )
    task = RetentionTask(database, [sent_retention()], interval_seconds=0.05)
    task.start()

    async def only_unsent_are_left() -> bool:
        row = await database.fetch_one(text("SELECT count(*) AS rows, count(sent_at) AS sent FROM outbox"))
        assert row is not None
        return (row["rows"], row["sent"]) == (1, 0)

    await eventually(only_unsent_are_left)
    await task.close()
    assert await _largest_deletion(database) == retention.BATCH


async def test_row_in_use_delays_no_other(database: Database) -> None:
    used, old = await store(database, age=OLD * 2), await store(database, age=OLD)
    async with database.transaction() as connection:
        await connection.execute(
            text("SELECT FROM requests WHERE fingerprint = :fingerprint FOR UPDATE"), {"fingerprint": used}
        )
        await delete(database, until_gone=old)
        assert await count(database, used) == 1
    await delete(database, until_gone=used)


async def test_several_processes_share_a_backlog(database: Database) -> None:
    before = _deleted()
    old = await store(database, age=OLD, rows=5 * retention.BATCH)
    tasks = [RetentionTask(database, [REQUESTS_RETENTION], interval_seconds=0.05) for _ in range(3)]
    for task in tasks:
        task.start()
    await eventually(lambda: _is_gone(database, old))
    for task in tasks:
        await task.close()
    assert _deleted() - before == 5 * retention.BATCH


async def test_oldest_row_is_measured(database: Database) -> None:
    await store(database, age=YOUNG)
    old = await store(database, age=OLD)
    await delete(database, until_gone=old)
    task = RetentionTask(database, [REQUESTS_RETENTION], interval_seconds=0.05)
    task.start()

    def is_measured() -> bool:
        seconds = REGISTRY.get_sample_value("retention_oldest_seconds", {"table": "requests"}) or 0
        return YOUNG.total_seconds() <= seconds < YOUNG.total_seconds() + 86_400

    await eventually(is_measured)
    await task.close()
    assert REGISTRY.get_sample_value("retention_period_seconds", {"table": "requests"}) == 90 * 86_400


def _deleted() -> float:
    return REGISTRY.get_sample_value("retention_deleted_rows_total", {"table": "requests"}) or 0


async def _largest_deletion(database: Database) -> int:
    row = await database.fetch_one(text("SELECT max(rows) AS rows FROM deletions"))
    assert row is not None
    return int(row["rows"])
