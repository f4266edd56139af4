"""Measurements of `python -m bench steady` for the simulation: on two cores, 2026-11-28 (docs/performance.md).

A purchase costs more in a steady sale than in a closed loop: messages and emails are sent singly, not in batches.
"""

from typing import Final

__all__ = [
    "ARRIVALS_PER_SECOND",
    "CORES",
    "PAY_COST_SECONDS",
    "PAY_P95_SECONDS",
    "REFUSAL_COST_SECONDS",
    "RESERVE_COST_SECONDS",
    "RESERVE_P95_SECONDS",
]

CORES: Final = 2
ARRIVALS_PER_SECOND: Final = 40
RESERVE_P95_SECONDS: Final = 0.109
PAY_P95_SECONDS: Final = 0.173
PURCHASE_COST_SECONDS: Final = 0.0444
"""CPU time of a purchase in all processes and databases."""
RESERVE_SHARE: Final = 0.4
"""Reserving's share of a purchase, by the latencies of the two responses without load. Paying includes emails and messages."""
RESERVE_COST_SECONDS: Final = RESERVE_SHARE * PURCHASE_COST_SECONDS
PAY_COST_SECONDS: Final = PURCHASE_COST_SECONDS - RESERVE_COST_SECONDS
REFUSAL_COST_SECONDS: Final = 0.0066
"""Measured by `python -m bench contention`."""
