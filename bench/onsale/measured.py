"""What `python -m bench rush storm` measured, for the simulation: on two cores, 2026-11-28 (docs/performance.md)."""

from typing import Final

__all__ = ["CORES", "PAY_COST_SECONDS", "PURCHASES_PER_SECOND", "REFUSAL_COST_SECONDS", "RESERVE_COST_SECONDS"]

CORES: Final = 2
PURCHASES_PER_SECOND: Final = 78.7
PURCHASE_COST_SECONDS: Final = 0.0240
"""CPU time of a purchase through all processes and databases."""
RESERVE_SHARE: Final = 0.4
"""Of a purchase: as of the time that its two answers take when nothing waits. Letters and messages are paying's."""
RESERVE_COST_SECONDS: Final = RESERVE_SHARE * PURCHASE_COST_SECONDS
PAY_COST_SECONDS: Final = PURCHASE_COST_SECONDS - RESERVE_COST_SECONDS
REFUSAL_COST_SECONDS: Final = 0.0050
