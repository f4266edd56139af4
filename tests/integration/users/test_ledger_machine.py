"""Runs the ledger's state machine."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from common.db.engine import Database
from tests.integration.users.ledger_machine import LedgerMachine
from tests.integration.users.user_client import LedgerCaller
from users.ledger.repository import LedgerRepository
from users.ledger.service import Ledger

# The database decides how long a step takes; every example starts with its own users.
SETTINGS = settings(
    max_examples=40,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.timeout(600)  # shrinking a failing example takes minutes
async def test_ledger_matches_the_model(ledger: LedgerCaller, database: Database) -> None:
    loop = asyncio.get_running_loop()

    class Machine(LedgerMachine):
        def __init__(self) -> None:
            self.loop, self.ledger, self.ledger_service = loop, ledger, Ledger(LedgerRepository(database))
            super().__init__()

    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=SETTINGS)
