"""Tickets handed over: offered, confirmed by the seller, confirmed by the buyer, through the gateway."""

from bench.environment import Environment
from bench.latency import Latency
from bench.results import Cost, Outcome, Result

__all__ = ["measure_transfers"]


def measure_transfers(environment: Environment) -> Outcome:
    """Hand a hall's tickets over. The sandbox sends and checks the codes, in a process of its own.

    Raises:
        BenchFailedError: somebody was refused.
    """
    sizes = environment.sizes
    environment.hand_over(environment.tickets(sizes.transfer_warm_up))
    tickets = environment.tickets(sizes.transfers)
    environment.start_meter()
    handovers = environment.hand_over(tickets)
    cost = Cost.of(environment.meter.stop(), per=handovers.transfers)
    answers = {
        "offer": handovers.initiate_seconds,
        "seller's confirmation": handovers.first_confirm_seconds,
        "buyer's confirmation": handovers.last_confirm_seconds,
        "whole transfer": handovers.transfer_seconds,
    }
    return Outcome(
        benchmark="transfers",
        figures=[
            Result(name="transfers", value=handovers.transfers / handovers.seconds, unit="/s"),
            *(figure for name, seconds in answers.items() for figure in _latencies(name, Latency.of(seconds))),
            Result(name="CPU of a transfer", value=cost.total, unit="ms"),
        ],
        costs={"a transfer": cost},
        details={"clients": sizes.clients, "transfers": handovers.transfers},
    )


def _latencies(name: str, latency: Latency) -> list[Result]:
    return [
        Result(name=f"{name} p50", value=latency.p50, unit="ms"),
        Result(name=f"{name} p95", value=latency.p95, unit="ms"),
    ]
