"""Addresses for services that a test does not start. The defaults may be those of a platform on this machine."""

from typing import Any, Final

UNUSED_ADDRESS: Final = "127.0.0.1:9"
"""An address without a listener: programs do not get the discard service's port by chance."""
UNUSED_URL: Final = f"http://{UNUSED_ADDRESS}"
NO_OTHER_SERVICES: Final[dict[str, Any]] = {
    "jwks_url": f"{UNUSED_URL}/.well-known/jwks.json",
    "users_url": UNUSED_URL,
    "orders_url": UNUSED_URL,
    "events_url": UNUSED_URL,
    "inventory_address": UNUSED_ADDRESS,
    "stripe_api_url": UNUSED_URL,
    "nowpayments_api_url": UNUSED_URL,
    "supplier_api_url": UNUSED_URL,
    "device_api_url": UNUSED_URL,
    "smtp_url": f"smtp://{UNUSED_ADDRESS}",
}
"""For the orchestrator's settings; a test replaces the services it starts."""
