"""Sagas of a release that stored a step's position: their upgrade, and both releases on one database."""

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from sqlalchemy import text

from orchestrator.saga_engine.record import SagaState
from tests.support.migrating_database import MigratingDatabase
from tests.support.servers import DatabaseFactory

BY_POSITION: Final = "0010"
BY_NAME: Final = "0011"

# Every step at which a saga of the older release may stand, by kind and position. Messages take no time: no saga stands
# at a publish step, which explains the missing positions.
STEPS: Final = {
    "cancel event": {0: "cancel event", 1: "close hall", 2: "give everything back"},
    "list for resale": {0: "open listing", 1: "list seat", 2: "activate listing"},
    "purchase": {
        0: "hold seats",
        1: "open order",
        3: "pay",
        4: "charge wallet",
        5: "sell seats",
        6: "confirm order",
    },
    "put on sale": {0: "draft event", 1: "provision seats", 2: "publish event"},
    "refund": {0: "begin refund", 1: "take seats back", 2: "pay back", 3: "refund order"},
    "resale": {
        0: "claim listing",
        1: "hold credits",
        2: "send seller a code",
        4: "approve",
        5: "change owner",
        6: "pay seller",
        7: "complete listing",
    },
    "reversal": {0: "begin reversal", 1: "give ticket back", 2: "return credits", 3: "close dispute"},
    "transfer": {
        0: "open transfer",
        1: "send initiator a code",
        2: "send the other a code",
        4: "confirm",
        5: "hold credits",
        6: "change owner",
        7: "pay seller",
        8: "complete transfer",
    },
    "withdraw listing": {0: "begin withdrawal", 1: "withdraw seat", 2: "cancel listing"},
}
LENGTHS: Final = {
    "cancel event": 4,
    "list for resale": 3,
    "purchase": 8,
    "put on sale": 3,
    "refund": 5,
    "resale": 9,
    "reversal": 5,
    "transfer": 10,
    "withdraw listing": 3,
}

# The statements of the older release, as far as they write a step.
OLD_INSERT: Final = text(
    """
    INSERT INTO sagas (saga_id, kind, requested_by, fingerprint, correlation_id, state, step, data, due_at)
    VALUES (:saga_id, :kind, :saga_id, '', '', :state, :step, '{}',
            CASE WHEN :state NOT IN ('STUCK', 'COMPLETED', 'UNWOUND') THEN now() END)
    """
)
OLD_ADVANCE: Final = text("UPDATE sagas SET state = :state, step = :step, attempts = 0 WHERE saga_id = :saga_id")
OLD_SIGNAL: Final = text("UPDATE sagas SET state = 'RUNNING', step = step + 1 WHERE saga_id = :saga_id")
# A statement of the newer release in the same shape.
NEW_ADVANCE: Final = text(
    """
    UPDATE sagas SET state = :state, step_name = :step_name,
        step = CASE WHEN step_name = :step_name THEN step ELSE :step END
    WHERE saga_id = :saga_id
    """
)


def rows_of_the_older_release() -> Iterator[tuple[str, str, int, str]]:
    """Yield kind, state, position and the expected name of sagas in every state."""
    for kind, steps in STEPS.items():
        for position, name in steps.items():
            yield from ((kind, state, position, name) for state in ("RUNNING", "WAITING", "UNWINDING", "STUCK"))
        yield kind, "COMPLETED", LENGTHS[kind], ""
        yield kind, "UNWOUND", -1, ""
        yield kind, "RUNNING", LENGTHS[kind] + 7, f"step {LENGTHS[kind] + 7}"
        yield kind, "RUNNING", -1, "step -1"
    yield "of another release", "WAITING", 2, "step 2"
    yield "of another release", "COMPLETED", 5, ""


class Log(MigratingDatabase):
    """A saga log that is migrated back and forth."""

    async def insert(self, kind: str, state: str, step: int) -> uuid.UUID:
        saga_id = uuid.uuid4()
        parameters = {"saga_id": saga_id, "kind": kind, "state": state, "step": step}
        await self.execute(OLD_INSERT, parameters)
        return saga_id

    async def row(self, saga_id: uuid.UUID) -> dict[str, Any]:
        row = await self.fetch_one(text("SELECT * FROM sagas WHERE saga_id = :id"), {"id": saga_id})
        assert row is not None
        return dict(row)


@pytest.fixture
async def log(database_url: DatabaseFactory) -> AsyncIterator[Log]:
    log = Log("orchestrator", database_url.empty())
    await log.upgrade(BY_POSITION)
    yield log
    await log.close()


def test_every_state_is_upgraded() -> None:
    assert {state for _, state, _, _ in rows_of_the_older_release()} == set(SagaState)


async def test_upgrade_names_every_position_and_downgrade_restores_it(log: Log) -> None:
    expected = {}
    for kind, state, position, name in rows_of_the_older_release():
        expected[await log.insert(kind, state, position)] = (kind, state, position, name)
    await log.upgrade(BY_NAME)
    rows = {saga_id: await log.row(saga_id) for saga_id in expected}
    assert {
        saga_id: (row["kind"], row["state"], row["step"], row["step_name"]) for saga_id, row in rows.items()
    } == expected
    await log.downgrade(BY_POSITION)
    for saga_id, row in rows.items():
        del row["step_name"]
        assert await log.row(saga_id) == row


async def test_writes_of_the_older_release_are_named(log: Log) -> None:
    await log.upgrade(BY_NAME)
    saga_id = await log.insert("purchase", "RUNNING", 1)
    names = [(await log.row(saga_id))["step_name"]]
    await log.execute(OLD_ADVANCE, {"saga_id": saga_id, "state": "WAITING", "step": 3})
    names.append((await log.row(saga_id))["step_name"])
    await log.execute(OLD_SIGNAL, {"saga_id": saga_id})
    names.append((await log.row(saga_id))["step_name"])
    await log.execute(OLD_ADVANCE, {"saga_id": saga_id, "state": "UNWINDING", "step": 4})
    names.append((await log.row(saga_id))["step_name"])
    await log.execute(OLD_ADVANCE, {"saga_id": saga_id, "state": "UNWINDING", "step": 1})
    names.append((await log.row(saga_id))["step_name"])
    await log.execute(OLD_ADVANCE, {"saga_id": saga_id, "state": "UNWOUND", "step": -1})
    names.append((await log.row(saga_id))["step_name"])
    assert names == ["open order", "pay", "charge wallet", "charge wallet", "open order", ""]


async def test_both_releases_take_turns_on_one_saga(log: Log) -> None:
    await log.upgrade(BY_NAME)
    saga_id = await log.insert("transfer", "RUNNING", 2)
    newer = {"saga_id": saga_id, "state": "WAITING", "step_name": "confirm", "step": 4}
    await log.execute(NEW_ADVANCE, newer)
    assert (await log.row(saga_id))["step"] == 4
    await log.execute(OLD_SIGNAL, {"saga_id": saga_id})
    assert (await log.row(saga_id))["step_name"] == "hold credits"
    await log.execute(NEW_ADVANCE, newer | {"state": "RUNNING", "step_name": "change owner", "step": 6})
    await log.execute(OLD_ADVANCE, {"saga_id": saga_id, "state": "COMPLETED", "step": 10})
    row = await log.row(saga_id)
    assert (row["step"], row["step_name"]) == (10, "")


async def test_position_in_a_changed_plan_does_not_rename_the_step(log: Log) -> None:
    """In a later release the same step has another position: a write that stays at it keeps its name."""
    await log.upgrade(BY_NAME)
    saga_id = await log.insert("purchase", "RUNNING", 5)
    later = {"saga_id": saga_id, "state": "STUCK", "step_name": "sell seats", "step": 6}
    await log.execute(NEW_ADVANCE, later)
    assert (await log.row(saga_id))["step_name"] == "sell seats"


async def test_downgrade_sticks_what_the_older_release_cannot_run(log: Log) -> None:
    await log.upgrade(BY_NAME)
    moved, unknown = await log.insert("purchase", "RUNNING", 5), await log.insert("purchase", "RUNNING", 5)
    await log.execute(NEW_ADVANCE, {"saga_id": moved, "state": "RUNNING", "step_name": "confirm order", "step": 7})
    await log.execute(NEW_ADVANCE, {"saga_id": unknown, "state": "RUNNING", "step_name": "award points", "step": 6})
    await log.downgrade(BY_POSITION)
    row = await log.row(moved)
    assert (row["state"], row["step"]) == ("RUNNING", 6)
    row = await log.row(unknown)
    assert (row["state"], row["due_at"]) == ("STUCK", None)
    assert row["step"] > LENGTHS["purchase"]
    assert row["error"]["step"] == "award points"
