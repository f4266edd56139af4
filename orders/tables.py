"""Every table of orders_db in one metadata, for the migrations and for the test that compares the two."""

import orders.commissions.models
import orders.digital_orders.models
import orders.earnings.models
import orders.listings.models
import orders.performer_queues.models
import orders.purchased_items.models
import orders.subscriptions.models
import orders.ticket_orders.models
import orders.transfers.models  # noqa: F401 - importing a module defines its tables
from orders.database import metadata

__all__ = ["metadata"]
