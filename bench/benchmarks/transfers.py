"""Tickets handed over: offered, confirmed by the seller, confirmed by the buyer, through the gateway."""

from bench.figures import Cost, Figure, Outcome
from bench.ground import Ground
from bench.latency import Latency

__all__ = ["measure_transfers"]


def measure_transfers(ground: Ground) -> Outcome:
    """Hand a hall's tickets over. The sandbox sends and checks the codes, in a process of its own.

    Raises:
        BenchFailedError: somebody was refused.
    """
    sizes = ground.sizes
    ground.hand_over(ground.tickets(sizes.transfer_warm_up))
    tickets = ground.tickets(sizes.transfers)
    ground.start_meter()
    handovers = ground.hand_over(tickets)
    cost = Cost.of(ground.meter.stop(), per=handovers.transfers)
    answers = {
        "offer": handovers.initiate_seconds,
        "seller's confirmation": handovers.first_confirm_seconds,
        "buyer's confirmation": handovers.last_confirm_seconds,
        "whole transfer": handovers.transfer_seconds,
    }
    return Outcome(
        benchmark="transfers",
        figures=[
            Figure(name="transfers", value=handovers.transfers / handovers.seconds, unit="/s"),
            *(figure for name, seconds in answers.items() for figure in _latencies(name, Latency.of(seconds))),
            Figure(name="CPU of a transfer", value=cost.total, unit="ms"),
        ],
        costs={"a transfer": cost},
        details={"clients": sizes.clients, "transfers": handovers.transfers},
    )


def _latencies(name: str, latency: Latency) -> list[Figure]:
    return [
        Figure(name=f"{name} p50", value=latency.p50, unit="ms"),
        Figure(name=f"{name} p95", value=latency.p95, unit="ms"),
    ]
