"""What every benchmark uses: a running platform, fans, halls, pgbench, and a CPU meter."""

import time
import uuid
from collections.abc import Sequence
from typing import Final

import uvloop
from pydantic import SecretStr

from bench.cancellation import Cancellation, cancel_event
from bench.cpu import CpuMeter
from bench.errors import BenchFailedError
from bench.goods import GoodsOrders, GoodsShop
from bench.halls import Hall, Halls
from bench.load_users import Fan, LoadUsers
from bench.open_loop import buy_open_loop
from bench.pgbench import Pgbench, PgbenchRun
from bench.purchases import Sales, SeatRequest, buy_all, seat_requests
from bench.scans import Scans, Tickets, scan_all
from bench.sizes import Sizes
from bench.tips import TipGrids, TipRequest, Tips, tip_all
from bench.transfers import Transfers, transfer_all
from bench.workloads import Workload
from devstack.home import Home
from devstack.keys import keys_of
from devstack.processes import ProcessId
from devstack.stack import Stack
from orchestrator.features.tickets.adapters.qr_code import QrCodec

__all__ = ["Environment"]

QR_TTL_SECONDS: Final = 60  # the contract's default; the platform checks by its own setting
IDLE_CHECK_SECONDS: Final = 1.0
IDLE_CPU_SHARE: Final = 0.2
"""Of one core: an idle platform uses half of it for polls, heartbeats and RabbitMQ."""
MAX_IDLE_CHECKS: Final = 300
MEBIBYTE: Final = 2**20


class Environment:
    """The measured platform; each method that generates load runs its own event loop."""

    def __init__(self, stack: Stack, sizes: Sizes) -> None:
        self.sizes = sizes
        self.urls = stack.urls
        self.postgres_url = stack.postgres_url
        self._home = Home(stack.home)
        self.meter = CpuMeter(self._running)
        self._pgbench = Pgbench(stack, self.meter)
        self._load_users = LoadUsers(home=stack.home, database_url=self.urls.databases["users"])
        self._codec = QrCodec(SecretStr(keys_of(self._home).qr_keys), ttl_seconds=QR_TTL_SECONDS)
        self._halls = Halls(self.urls, admin_token=self._load_users.admin_token())
        self._tip_grids = TipGrids(self.urls, self._load_users)

    def prepare(self) -> None:
        """Prepare pgbench, and buy until the platform is warm."""
        self._pgbench.prepare()
        self.buy(seat_requests(self.hall(self.sizes.warm_up), self.fans(self.sizes.warm_up)))

    def hall(self, seats: int) -> Hall:
        return uvloop.run(self._halls.open(seats))

    def fans(self, number: int) -> list[Fan]:
        return uvloop.run(self._load_users.create_fans(number))

    def buy(self, requests: Sequence[SeatRequest]) -> Sales:
        """Let `sizes.clients` clients buy all the seats."""
        return uvloop.run(buy_all(self.urls.gateway, requests, clients=self.sizes.clients))

    def buy_open_loop(self, requests: Sequence[SeatRequest], *, per_second: float) -> Sales:
        return uvloop.run(buy_open_loop(self.urls.gateway, requests, per_second=per_second))

    def tickets(self, number: int) -> Tickets:
        """Return the tickets of a sold-out hall of this size."""
        requests = seat_requests(self.hall(number), self.fans(number))
        self.buy(requests)
        return requests

    def scan(self, tickets: Tickets, *, scanners: int) -> Scans:
        """Let this many scanners admit all tickets."""
        staff = [self._load_users.staff_token() for _ in range(scanners)]
        return uvloop.run(scan_all(self.urls.gateway, tickets, staff=staff, codec=self._codec))

    def transfer(self, tickets: Tickets) -> Transfers:
        """Let `sizes.clients` pairs at a time transfer all tickets to new fans."""
        buyers = self.fans(len(tickets))
        return uvloop.run(transfer_all(self.urls.gateway, tickets, buyers, clients=self.sizes.clients))

    def tip_requests(self, number: int, *, performers: int) -> list[TipRequest]:
        """Return tips of new fans to new performers, in turn."""
        offers = uvloop.run(self._tip_grids.open(performers))
        return [TipRequest(fan, offers[n % performers]) for n, fan in enumerate(self.fans(number))]

    def tip(self, requests: Sequence[TipRequest]) -> Tips:
        """Let `sizes.clients` clients make all the tips."""
        return uvloop.run(tip_all(self.urls.gateway, requests, clients=self.sizes.clients))

    def sell_codes(self, fans: Sequence[Fan]) -> GoodsOrders:
        """Let `sizes.clients` clients order a code for each fan, in batches of `sizes.goods_batch`."""

        async def sell() -> GoodsOrders:
            shop = await GoodsShop.open(self.urls, admin_token=self._load_users.admin_token())
            sizes = self.sizes
            return await shop.sell(
                fans, clients=sizes.clients, batch=sizes.goods_batch, read_memory=lambda: self.memory_of("worker")
            )

        return uvloop.run(sell())

    def memory_of(self, name: str) -> float:
        """Return the memory of a service in MiB, its share of shared pages included (PSS)."""
        found = (each.process() for each in self._running() if each.name == name)
        leaders = [leader for leader in found if leader is not None]
        family = [process for leader in leaders for process in (leader, *leader.children(recursive=True))]
        return sum(float(process.memory_full_info().pss) for process in family) / MEBIBYTE

    def cancel_event(self, event_id: uuid.UUID) -> Cancellation:
        return uvloop.run(cancel_event(self.urls.gateway, event_id, admin_token=self._load_users.admin_token()))

    def start_meter(self) -> None:
        """Start the meter once emails and messages of earlier work are done."""
        self.wait_until_idle()
        self.meter.start()

    def wait_until_idle(self) -> None:
        """Wait until the platform is idle.

        Raises:
            BenchFailedError: it is not idle within five minutes.
        """
        for _ in range(MAX_IDLE_CHECKS):
            self.meter.start()
            time.sleep(IDLE_CHECK_SECONDS)
            if self.meter.stop().total < IDLE_CPU_SHARE * IDLE_CHECK_SECONDS:
                return
        raise BenchFailedError("The platform does not become idle.")

    def run_pgbench(self, workload: Workload, *, clients: int | None = None) -> PgbenchRun:
        """Run the workload with pgbench once the platform is idle; `clients` defaults to `sizes.clients`."""
        self.wait_until_idle()
        return self._pgbench.run(workload, clients=clients or self.sizes.clients)

    def _running(self) -> Sequence[ProcessId]:
        state = self._home.read_state()
        return state.processes if state else ()
