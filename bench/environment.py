"""What every benchmark stands on: a running platform, people, halls, pgbench beside it, and a meter."""

import time
import uuid
from collections.abc import Sequence
from typing import Final

import uvloop
from pydantic import SecretStr

from bench.cancellation import Cancellation, call_off
from bench.cpu import CpuMeter
from bench.errors import BenchFailedError
from bench.halls import Hall, Halls
from bench.load_users import Fan, Fans
from bench.open_loop import buy_as_they_come
from bench.pgbench import Pgbench, PgbenchRun
from bench.purchases import Sales, Wish, buy_all, wishes
from bench.scans import Scans, Tickets, scan_all
from bench.sizes import Sizes
from bench.transfers import Transfers, hand_over_all
from bench.workloads import Workload
from devstack.home import Home
from devstack.keys import keys_of
from devstack.processes import ProcessId
from devstack.stack import Stack
from orchestrator.features.tickets.adapters.qr_code import QrCodec

__all__ = ["Environment"]

QR_TTL_SECONDS: Final = 60  # the contract's; the platform decides by its own
REST_SECONDS: Final = 1.0
RESTING_SHARE: Final = 0.2
"""Of one core: polls, heartbeats and RabbitMQ take half of that when nothing is asked of them."""
REST_LOOKS: Final = 300


class Environment:
    """Each method that makes load runs an event loop of its own."""

    def __init__(self, stack: Stack, sizes: Sizes) -> None:
        self.sizes = sizes
        self.urls = stack.urls
        self._home = Home(stack.home)
        self.meter = CpuMeter(self._running)
        self._pgbench = Pgbench(stack, self.meter)
        self._fans = Fans(home=stack.home, database_url=self.urls.databases["users"])
        self._codec = QrCodec(SecretStr(keys_of(self._home).qr_keys), ttl_seconds=QR_TTL_SECONDS)
        self._halls = Halls(self.urls, admin_token=self._fans.admin_token())

    def prepare(self) -> None:
        """Make ready what is not measured, and buy until everything has run warm."""
        self._pgbench.prepare()
        self.buy(wishes(self.hall(self.sizes.warm_up), self.fans(self.sizes.warm_up)))

    def hall(self, seats: int) -> Hall:
        return uvloop.run(self._halls.open(seats))

    def fans(self, number: int) -> list[Fan]:
        return uvloop.run(self._fans.arrive(number))

    def buy(self, wanted: Sequence[Wish]) -> Sales:
        """Let `sizes.clients` clients buy all of it."""
        return uvloop.run(buy_all(self.urls.gateway, wanted, clients=self.sizes.clients))

    def buy_as_they_come(self, wanted: Sequence[Wish], *, per_second: float) -> Sales:
        return uvloop.run(buy_as_they_come(self.urls.gateway, wanted, per_second=per_second))

    def tickets(self, number: int) -> Tickets:
        """Sell out a hall of so many seats."""
        wanted = wishes(self.hall(number), self.fans(number))
        self.buy(wanted)
        return wanted

    def scan(self, tickets: Tickets, *, scanners: int) -> Scans:
        """Let so many scanners admit all of them."""
        staff = [self._fans.staff_token() for _ in range(scanners)]
        return uvloop.run(scan_all(self.urls.gateway, tickets, staff=staff, codec=self._codec))

    def hand_over(self, tickets: Tickets) -> Transfers:
        """Let `sizes.clients` pairs at a time hand all of them over to fans who have none."""
        buyers = self.fans(len(tickets))
        return uvloop.run(hand_over_all(self.urls.gateway, tickets, buyers, clients=self.sizes.clients))

    def call_off(self, event_id: uuid.UUID) -> Cancellation:
        return uvloop.run(call_off(self.urls.gateway, event_id, admin_token=self._fans.admin_token()))

    def start_meter(self) -> None:
        """Start it when the letters and messages of what was before are done."""
        self.settle()
        self.meter.start()

    def settle(self) -> None:
        """Wait until the platform rests.

        Raises:
            BenchFailedError: it does not, within five minutes.
        """
        for _ in range(REST_LOOKS):
            self.meter.start()
            time.sleep(REST_SECONDS)
            if self.meter.stop().total < RESTING_SHARE * REST_SECONDS:
                return
        raise BenchFailedError("The platform does not come to rest.")

    def alone(self, workload: Workload, *, clients: int | None = None) -> PgbenchRun:
        """Let pgbench do it when the platform rests, with as many clients as buy unless said otherwise."""
        self.settle()
        return self._pgbench.run(workload, clients=clients or self.sizes.clients)

    def _running(self) -> Sequence[ProcessId]:
        state = self._home.read_state()
        return state.processes if state else ()
