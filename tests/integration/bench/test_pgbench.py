"""pgbench's purchase, in the services' newest tables: it must fill them as a purchase does, or it is no comparison."""

import os
from collections.abc import Sequence

import pytest

from bench.cpu import CpuMeter
from bench.pgbench import Contention, Pgbench
from devstack.home import Home
from devstack.processes import ProcessId
from tests.support.servers import TestServers

CLIENTS = 4
PURCHASES = 40


@pytest.fixture(scope="module")
def pgbench(servers: TestServers) -> Pgbench:
    def processes() -> Sequence[ProcessId]:
        state = Home(servers.stack.home).read_state()
        return state.processes if state else ()

    bench = Pgbench(servers.stack, CpuMeter(processes), clients=CLIENTS, database=f"bench_{os.getpid()}")
    bench.prepare()
    return bench


def test_everybody_gets_a_seat_an_order_and_a_charge(pgbench: Pgbench) -> None:
    run = pgbench.run(attempts=PURCHASES, hall_size=20)
    assert (run.attempts, run.sold) == (PURCHASES, PURCHASES)
    assert run.seconds > 0


def test_of_many_who_want_a_seat_one_gets_it(pgbench: Pgbench) -> None:
    run = pgbench.run(attempts=PURCHASES, hall_size=2, contention=Contention(buyers=20, seats=2))
    assert (run.attempts, run.sold) == (PURCHASES, 4)
