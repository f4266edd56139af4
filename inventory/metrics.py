"""The inventory's metrics."""

from typing import Final

from prometheus_client import Counter, Gauge

from common.telemetry.metrics import keep_old_name

HOLDS_OPEN: Final = Gauge("holds_open", "Live holds at the last sweep.")
HOLDS_EXPIRED: Final = Counter("holds_expired_total", "Holds that expired.", ["by"])
RESERVES: Final = Counter("seat_reservations_total", "Attempts to hold seats.", ["kind", "outcome"])
SCANS: Final = Counter("scans_total", "Scans logged, each once.", ["result"])
CHECK_INS_UNDONE: Final = Counter("check_ins_undone_total", "Admissions that staff undid.")
OVERSELLS: Final = Counter(
    "oversell_prevented_total",
    "Changes that the database refused because a seat would have had two holders. Must stay 0.",
)
SEAT_CHANGES_DROPPED: Final = Counter("seat_changes_dropped_total", "Hints for live seat maps that were not sent.")

keep_old_name(RESERVES, "reserves")
keep_old_name(OVERSELLS, "oversell")

# Created at start, because a counter that appears with its first event shows no increase.
for by in ("message", "sweeper"):
    HOLDS_EXPIRED.labels(by)
