"""A Stripe account, simulated in memory: PaymentIntents (https://docs.stripe.com/api/payment_intents), refunds, disputes."""

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final, Literal

__all__ = ["OtherParameters", "StripeAccount", "StripeRefusal", "WrongKey"]

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


class NotDisputed(StripeRefusal):
    message = "This payment has no dispute."


class RefundTooLarge(StripeRefusal):
    code = "charge_already_refunded"
    message = "Refund amount is greater than the unrefunded amount on charge."


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
    """PaymentIntents, refunds and disputes, which exist until the sandbox ends."""

    def __init__(self) -> None:
        self._intents: dict[str, Json] = {}  # oldest first
        self._refunds: dict[str, Json] = {}
        self._disputes: dict[str, Json] = {}
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
            "disputed": False,
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

    def refund(self, intent_id: str, *, cents: int | None) -> tuple[Json, Json]:
        """Refund a paid intent, partly or what is left of it, and return its charge and the refund.

        Raises:
            NoSuchIntent: the intent does not exist or is not paid.
            RefundTooLarge: less is left of it.
        """
        charge = self._charge_of(intent_id)
        left = charge["amount"] - charge["amount_refunded"]
        if not 0 < (amount := left if cents is None else cents) <= left:
            raise RefundTooLarge
        refund = _new("re", charge, amount) | {"object": "refund", "status": "succeeded"}
        self._refunds[refund["id"]] = refund
        self._add_refunded(charge, amount)
        return charge, refund

    def fail_refund(self, intent_id: str) -> Json:
        """Let the last refund of an intent fail, and return it.

        Raises:
            NoSuchIntent: the intent has no refund.
        """
        refund = _last_of(self._refunds, intent_id)
        if refund is None or refund["status"] == "failed":
            raise NoSuchIntent
        refund["status"] = "failed"
        self._add_refunded(self._charge_of(intent_id), -refund["amount"])
        return refund

    def dispute(self, intent_id: str, *, cents: int | None) -> Json:
        """Open a dispute of a paid intent and return it. No money moves yet.

        Raises:
            NoSuchIntent: the intent does not exist or is not paid.
        """
        charge = self._charge_of(intent_id)
        charge["disputed"] = True
        dispute = _new("dp", charge, charge["amount"] if cents is None else cents)
        dispute |= {
            "object": "dispute",
            "balance_transactions": [],
            "is_charge_refundable": False,
            "reason": "fraudulent",
            "status": "needs_response",
        }
        self._disputes[dispute["id"]] = dispute
        return dispute

    def withdraw(self, intent_id: str) -> Json:
        """Withdraw the amount of the last dispute from the account."""
        dispute = self._dispute_of(intent_id)
        dispute["balance_transactions"].append(_movement(dispute, -dispute["amount"]))
        return dispute

    def reinstate(self, intent_id: str) -> Json:
        """Return the amount of the last dispute to the account."""
        dispute = self._dispute_of(intent_id)
        dispute["balance_transactions"].append(_movement(dispute, dispute["amount"]))
        return dispute

    def close_dispute(self, intent_id: str, *, status: str) -> Json:
        dispute = self._dispute_of(intent_id)
        dispute["status"] = status
        return dispute

    def reversals(self, kind: Literal["refunds", "disputes"], *, intent_id: str | None, since: int) -> list[Json]:
        """Return all refunds or disputes, newest first, of one intent or of all."""
        found = self._refunds if kind == "refunds" else self._disputes
        return [
            each
            for each in reversed(found.values())
            if each["created"] >= since and intent_id in {None, each["payment_intent"]}
        ]

    def _charge_of(self, intent_id: str) -> Json:
        charge: Json | None = self.find(intent_id)["latest_charge"]
        if charge is None:
            raise NoSuchIntent
        return charge

    def _dispute_of(self, intent_id: str) -> Json:
        if (dispute := _last_of(self._disputes, intent_id)) is None:
            raise NotDisputed
        return dispute

    @staticmethod
    def _add_refunded(charge: Json, cents: int) -> None:
        charge["amount_refunded"] += cents
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _new(prefix: str, charge: Json, cents: int) -> Json:
    return {
        "id": f"{prefix}_{secrets.token_hex(12)}",
        "amount": cents,
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
    }


def _last_of(found: dict[str, Json], intent_id: str) -> Json | None:
    return next((each for each in reversed(found.values()) if each["payment_intent"] == intent_id), None)


def _movement(dispute: Json, cents: int) -> Json:
    return {
        "id": f"txn_{secrets.token_hex(12)}",
        "object": "balance_transaction",
        "amount": cents,
        "currency": dispute["currency"],
        "source": dispute["id"],
        "type": "adjustment",
    }
