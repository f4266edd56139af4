"""Payouts: all tips that wait for one, in one ledger transaction."""

from typing import Final

from bench.environment import Environment
from bench.payouts import pay_out_tips
from bench.results import Outcome, Result

__all__ = ["measure_payouts"]

MOST_SECONDS: Final = 2.0


def measure_payouts(environment: Environment) -> Outcome:
    """Pay out `sizes.batched_tips` tips of a performer, `sizes.payouts` times; the slowest counts.

    Raises:
        BenchFailedError: the wallet has not exactly what was pending.
    """
    sizes = environment.sizes
    environment.wait_until_idle()
    seconds = pay_out_tips(environment.postgres_url, tips=sizes.batched_tips, payouts=sizes.payouts)
    return Outcome(
        benchmark="payouts",
        results=[
            Result(
                name=f"payout of {sizes.batched_tips:,} tips, slowest of {sizes.payouts}",
                value=max(seconds),
                unit="s",
                target=f"under {MOST_SECONDS:.0f} s",
                is_met=max(seconds) < MOST_SECONDS,
            ),
        ],
        details={"tips": sizes.batched_tips, "payouts": sizes.payouts},
    )
