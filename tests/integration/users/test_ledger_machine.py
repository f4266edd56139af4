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

# The database decides how long a step takes; every example begins with people of its own.
SETTINGS = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.timeout(600)  # when it fails, making the example small takes minutes
async def test_the_ledger_does_what_the_model_does(ledger_caller: LedgerCaller, database: Database) -> None:
    loop = asyncio.get_running_loop()

    class Machine(LedgerMachine):
        def __init__(self) -> None:
            self.loop, self.ledger_caller, self.ledger = loop, ledger_caller, Ledger(LedgerRepository(database))
            super().__init__()

    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=SETTINGS)
