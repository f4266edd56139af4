"""Ticket transfers: initiated, confirmed by the seller, confirmed by the buyer, through the gateway."""

from bench.environment import Environment
from bench.results import Cost, Outcome, Result, latency_results


def measure_transfers(environment: Environment) -> Outcome:
    """Transfer all tickets of a hall. The sandbox, a separate process, sends and checks the codes.

    Raises:
        BenchFailedError: a request was refused.
    """
    sizes = environment.sizes
    environment.transfer(environment.tickets(sizes.transfer_warm_up))
    tickets = environment.tickets(sizes.transfers)
    environment.start_meter()
    transfers = environment.transfer(tickets)
    cost = Cost.of(environment.meter.stop(), per=transfers.transfers)
    latencies = {
        "initiation": transfers.initiate_seconds,
        "seller's confirmation": transfers.first_confirm_seconds,
        "buyer's confirmation": transfers.last_confirm_seconds,
        "whole transfer": transfers.transfer_seconds,
    }
    return Outcome(
        benchmark="transfers",
        results=[
            Result(name="transfers", value=transfers.transfers / transfers.seconds, unit="/s"),
            *(result for name, seconds in latencies.items() for result in latency_results(name, seconds)),
            Result(name="CPU per transfer", value=cost.total, unit="ms"),
        ],
        costs={"a transfer": cost},
        details={"clients": sizes.clients, "transfers": transfers.transfers},
    )
