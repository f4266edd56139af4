"""pgbench's rows in the services' newest tables: the benchmark must write what the services write."""

import os
from collections.abc import Sequence

import pytest

from bench.cpu import CpuMeter
from bench.errors import BenchFailedError
from bench.pgbench import Pgbench
from bench.workloads import Contention, purchases, scans
from devstack.home import Home
from devstack.processes import ProcessId
from tests.support.servers import TestServers

CLIENTS = 4
ATTEMPTS = 40


@pytest.fixture(scope="module")
def pgbench(servers: TestServers) -> Pgbench:
    def processes() -> Sequence[ProcessId]:
        state = Home(servers.stack.home).read_state()
        return state.processes if state else ()

    bench = Pgbench(servers.stack, CpuMeter(processes), database=f"bench_{os.getpid()}")
    bench.prepare()
    return bench


def test_every_buyer_gets_a_seat_an_order_and_a_charge(pgbench: Pgbench) -> None:
    run = pgbench.run(purchases(ATTEMPTS, hall_size=20), clients=CLIENTS)
    assert (run.attempts, run.done) == (ATTEMPTS, ATTEMPTS)
    assert run.seconds > 0


def test_contended_seat_has_one_buyer(pgbench: Pgbench) -> None:
    contended = purchases(ATTEMPTS, hall_size=2, contention=Contention(buyers=20, seats=2))
    run = pgbench.run(contended, clients=CLIENTS)
    assert (run.attempts, run.done) == (ATTEMPTS, 4)


def test_every_ticket_is_admitted_once(pgbench: Pgbench) -> None:
    run = pgbench.run(scans(ATTEMPTS), clients=CLIENTS)
    assert (run.attempts, run.done) == (ATTEMPTS, ATTEMPTS)


def test_unexpected_row_counts_are_detected(pgbench: Pgbench) -> None:
    with pytest.raises(BenchFailedError, match=f"pgbench did {ATTEMPTS - 1} of {ATTEMPTS}"):
        pgbench.run(scans(ATTEMPTS), clients=CLIENTS - 1)
