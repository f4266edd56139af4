"""What every benchmark stands on: a running platform, people, halls, pgbench beside it, and a meter."""

from collections.abc import Sequence

import uvloop

from bench.buying import Sales, Wish, buy_all, wishes
from bench.cpu import CpuMeter
from bench.fans import Fan, Fans
from bench.halls import Hall, Halls
from bench.pgbench import Pgbench
from bench.sizes import Sizes
from devstack.home import Home
from devstack.processes import ProcessId
from devstack.stack import Stack

__all__ = ["Ground"]


class Ground:
    """Each method that makes load runs an event loop of its own."""

    def __init__(self, stack: Stack, sizes: Sizes) -> None:
        self.sizes = sizes
        self.urls = stack.urls
        self._home = Home(stack.home)
        self.meter = CpuMeter(self._running)
        self.pgbench = Pgbench(stack, self.meter, clients=sizes.clients)
        self._fans = Fans(home=stack.home, database_url=self.urls.databases["users"])
        self._halls = Halls(self.urls, admin_token=self._fans.admin_token())

    def prepare(self) -> None:
        """Make ready what is not measured, and buy until everything has run warm."""
        self.pgbench.prepare()
        self.buy(wishes(self.hall(self.sizes.warm_up), self.fans(self.sizes.warm_up)))

    def hall(self, seats: int) -> Hall:
        return uvloop.run(self._halls.open(seats))

    def fans(self, number: int) -> list[Fan]:
        return uvloop.run(self._fans.arrive(number))

    def buy(self, wanted: Sequence[Wish]) -> Sales:
        """Let `sizes.clients` clients buy all of it."""
        return uvloop.run(buy_all(self.urls.gateway, wanted, clients=self.sizes.clients))

    def _running(self) -> Sequence[ProcessId]:
        state = self._home.read_state()
        return state.processes if state else ()
