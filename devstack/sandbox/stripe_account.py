"""A Stripe account, simulated in memory: PaymentIntents (https://docs.stripe.com/api/payment_intents)."""

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["StripeAccount", "StripeRefusal", "WrongKey"]

SMALLEST_CENTS: Final = 50  # of a charge in SGD (https://docs.stripe.com/currencies)

Json = dict[str, Any]


class StripeRefusal(Exception):
    """An error response of the API (https://docs.stripe.com/api/errors)."""

    status = 400
    type = "invalid_request_error"
    code: str | None = None
    message = "Something is missing."


class NoSuchIntent(StripeRefusal):
    status = 404
    code = "resource_missing"
    message = "No such payment_intent."


class WrongKey(StripeRefusal):
    status = 401
    message = "Invalid API Key provided."


class TooSmall(StripeRefusal):
    code = "amount_too_small"
    message = "Amount is too small."


class OtherParameters(StripeRefusal):
    """The idempotency key was used with other parameters."""

    type = "idempotency_error"
    message = "Keys can only be used with the same parameters."


class StripeAccount:
    """PaymentIntents, which exist until the sandbox ends."""

    def __init__(self) -> None:
        self._intents: dict[str, Json] = {}  # oldest first
        self._by_key: dict[str, tuple[Mapping[str, str], str]] = {}

    def create(
        self, *, cents: int, currency: str, metadata: dict[str, str], key: str, given: Mapping[str, str]
    ) -> Json:
        """Return a new intent, or the one created with this idempotency key.

        Args:
            given: all parameters, which the key identifies.

        Raises:
            TooSmall: the amount is below Stripe's minimum.
            OtherParameters: the key was used with other parameters.
        """
        if cents < SMALLEST_CENTS:
            raise TooSmall
        if key in self._by_key:
            stored, intent_id = self._by_key[key]
            if stored != given:
                raise OtherParameters
            return self._intents[intent_id]
        intent_id = f"pi_{secrets.token_hex(12)}"
        self._intents[intent_id] = {
            "id": intent_id,
            "object": "payment_intent",
            "amount": cents,
            "amount_received": 0,
            "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
            "created": int(time.time()),
            "currency": currency,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": metadata,
            "status": "requires_payment_method",
        }
        if key:
            self._by_key[key] = (given, intent_id)
        return self._intents[intent_id]

    def clear_keys(self) -> None:
        self._by_key.clear()

    def find(self, intent_id: str) -> Json:
        """Return an intent.

        Raises:
            NoSuchIntent: no intent has this id.
        """
        if intent_id not in self._intents:
            raise NoSuchIntent
        return self._intents[intent_id]

    def page(self, *, since: int, after: str | None, limit: int) -> tuple[list[Json], bool]:
        """Return a page of intents, newest first, and whether there are more."""
        newest_first = [intent for intent in reversed(self._intents.values()) if intent["created"] >= since]
        ids = [intent["id"] for intent in newest_first]
        start = ids.index(after) + 1 if after in ids else 0
        return newest_first[start : start + limit], len(newest_first) > start + limit

    def succeed(self, intent_id: str) -> Json:
        intent = self.find(intent_id)
        charge = {
            "id": f"ch_{secrets.token_hex(12)}",
            "object": "charge",
            "amount": intent["amount"],
            "amount_refunded": 0,
            "currency": intent["currency"],
            "metadata": intent["metadata"],
            "payment_intent": intent_id,
            "refunded": False,
        }
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge}
        return intent

    def fail(self, intent_id: str) -> Json:
        """Decline the card; the intent stays open for another card."""
        intent = self.find(intent_id)
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": {"type": "card_error", "code": "card_declined", "message": "Your card was declined."},
        }
        return intent

    def cancel(self, intent_id: str) -> Json:
        intent = self.find(intent_id)
        intent |= {"status": "canceled"}
        return intent

    def refund(self, intent_id: str, *, cents: int | None) -> Json:
        """Refund a paid intent, partly or fully, and return its charge.

        Raises:
            NoSuchIntent: the intent does not exist or is not paid.
        """
        charge: Json | None = self.find(intent_id)["latest_charge"]
        if charge is None:
            raise NoSuchIntent
        charge["amount_refunded"] = charge["amount"] if cents is None else cents
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        return charge
