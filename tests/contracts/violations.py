"""Changes that violate invariants, at least one for each rule of `invariants`."""

from collections.abc import Mapping
from typing import Final

from tests.contracts.commission_violations import COMMISSIONS
from tests.contracts.deal_violations import CANCELLED_EVENTS, TRANSFERS_AND_LISTINGS
from tests.contracts.earning_violations import EARNINGS, PURCHASED_ITEMS
from tests.contracts.goods_violations import DIGITAL_GOODS
from tests.contracts.ledger_violations import LEDGER
from tests.contracts.order_violations import ORDERS, OWNERS
from tests.contracts.seat_violations import SEATS
from tests.contracts.violation import Violation

VIOLATIONS: Final[Mapping[str, Violation]] = (
    OWNERS
    | ORDERS
    | SEATS
    | LEDGER
    | TRANSFERS_AND_LISTINGS
    | CANCELLED_EVENTS
    | PURCHASED_ITEMS
    | EARNINGS
    | COMMISSIONS
    | DIGITAL_GOODS
)
