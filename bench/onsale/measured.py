"""What `python -m bench steady` measured, for the simulation: on two cores, 2026-11-28 (docs/performance.md).

The costs are those of a steady sale, which are higher than in a rush: messages and letters go one by one, not in bunches.
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
"""CPU time of a purchase through all processes and databases."""
RESERVE_SHARE: Final = 0.4
"""Of a purchase: as of the time that its two answers take when nothing waits. Letters and messages are paying's."""
RESERVE_COST_SECONDS: Final = RESERVE_SHARE * PURCHASE_COST_SECONDS
PAY_COST_SECONDS: Final = PURCHASE_COST_SECONDS - RESERVE_COST_SECONDS
REFUSAL_COST_SECONDS: Final = 0.0066
"""`python -m bench storm`"""
