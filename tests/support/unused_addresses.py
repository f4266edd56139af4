"""Addresses for services that a test does not start. The defaults may be those of a platform on this machine."""

from typing import Any, Final

NOWHERE: Final = "127.0.0.1:9"
"""An address without a listener: programs do not get the discard service's port by chance."""
NOWHERE_URL: Final = f"http://{NOWHERE}"
NO_OTHER_SERVICES: Final[dict[str, Any]] = {
    "jwks_url": f"{NOWHERE_URL}/.well-known/jwks.json",
    "users_url": NOWHERE_URL,
    "orders_url": NOWHERE_URL,
    "events_url": NOWHERE_URL,
    "inventory_address": NOWHERE,
    "stripe_api_url": NOWHERE_URL,
    "nowpayments_api_url": NOWHERE_URL,
    "smtp_url": f"smtp://{NOWHERE}",
}
"""For the orchestrator's settings; a test replaces the services it starts."""
