"""Abandoned purchases are deleted; every saga that a refund, a dispute or a numbered retry may read stays."""

import uuid
from typing import Final

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import TableRetention
from orchestrator.features import purchases
from orchestrator.saga_engine.repository import UNWOUND_KEEP_DAYS

OLD: Final = UNWOUND_KEEP_DAYS + 1
_INSERT: Final = text(
    """
    INSERT INTO sagas (saga_id, kind, requested_by, fingerprint, state, step, data, correlation_id, created_at, updated_at)
    VALUES (:saga_id, :kind, :saga_id, '', :state, 0, '{}', '', now() - make_interval(days => :began),
            now() - make_interval(days => :ended))
    """
)


@pytest.mark.parametrize(
    ("kind", "state", "began", "ended", "stays"),
    [
        ("purchase", "UNWOUND", OLD, OLD, False),
        ("purchase", "UNWOUND", OLD, 1, True),  # it was stuck for long
        ("purchase", "UNWOUND", 1, 1, True),
        ("purchase", "COMPLETED", OLD, OLD, True),
        ("purchase", "STUCK", OLD, OLD, True),
        ("purchase", "WAITING", OLD, OLD, True),
        ("refund", "UNWOUND", OLD, OLD, True),
        ("cancel event", "UNWOUND", OLD, OLD, True),
    ],
)
async def test_only_abandoned_purchases_are_deleted(
    database: Database, kind: str, state: str, *, began: int, ended: int, stays: bool
) -> None:
    saga_id = uuid.uuid4()
    saga = {"saga_id": saga_id, "kind": kind, "state": state, "began": began, "ended": ended}
    await database.execute(_INSERT, saga)
    for retention in purchases.FEATURE.retentions(None):  # type: ignore[arg-type] # it uses no resource
        await TableRetention(database, retention).delete_old()
    found = await database.fetch_one(text("SELECT FROM sagas WHERE saga_id = :saga_id"), {"saga_id": saga_id})
    assert (found is not None) == stays
