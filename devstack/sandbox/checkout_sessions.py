"""The sessions of Stripe Checkout, simulated in memory (https://docs.stripe.com/api/checkout/sessions)."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from devstack.sandbox.stripe_account import OtherParameters, StripeAccount, StripeRefusal

__all__ = ["CheckoutSessions"]

Json = dict[str, Any]
LABEL: Final = re.compile(r"metadata\[(\w+)]")
INTENT_LABEL: Final = re.compile(r"payment_intent_data\[metadata]\[(\w+)]")
PRICE: Final = "line_items[0][price_data]"
SHORTEST_SECONDS: Final = 1_800


class NoSuchSession(StripeRefusal):
    status = 404
    code = "resource_missing"
    message = "No such checkout.session."


class NotOpen(StripeRefusal):
    message = 'Only Checkout Sessions with a status in ["open"] can be expired or paid.'


class TooShort(StripeRefusal):
    message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."


class CheckoutSessions:
    """Sessions of an account, which exist until the sandbox ends. Paying one makes its PaymentIntent."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account
        self._sessions: dict[str, Json] = {}
        self._intent_labels: dict[str, dict[str, str]] = {}
        self._by_key: dict[str, tuple[Mapping[str, str], Json]] = {}

    def create(self, given: Mapping[str, str], *, key: str, base_url: str) -> Json:
        """Return a new session, or the answer to the first request with this idempotency key.

        Raises:
            OtherParameters: the key was used with other parameters.
            TooShort: it would expire within 30 minutes.
        """
        if key in self._by_key:
            stored, answer = self._by_key[key]
            if stored != given:
                raise OtherParameters
            return answer
        if int(given["expires_at"]) < time.time() + SHORTEST_SECONDS:
            raise TooShort
        session_id = f"cs_test_{secrets.token_hex(24)}"
        self._sessions[session_id] = {
            "id": session_id,
            "object": "checkout.session",
            "amount_total": int(given[f"{PRICE}[unit_amount]"]) * int(given["line_items[0][quantity]"]),
            "cancel_url": given["cancel_url"],
            "client_reference_id": given.get("client_reference_id"),
            "created": int(time.time()),
            "currency": given[f"{PRICE}[currency]"],
            "expires_at": int(given["expires_at"]),
            "livemode": False,
            "metadata": _labels(LABEL, given),
            "mode": given["mode"],
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "success_url": given["success_url"],
            "url": f"{base_url}checkout/{session_id}",
        }
        self._intent_labels[session_id] = _labels(INTENT_LABEL, given)
        self._by_key[key] = (given, {**self._sessions[session_id]})
        return self._sessions[session_id]

    def find(self, session_id: str) -> Json:
        """Return a session.

        Raises:
            NoSuchSession.
        """
        if session_id not in self._sessions:
            raise NoSuchSession
        return self._sessions[session_id]

    def newest(self, *, payment_intent: str | None) -> list[Json]:
        """Return the sessions of an intent, or all, newest first."""
        newest_first = reversed(self._sessions.values())
        return [each for each in newest_first if payment_intent in {None, each["payment_intent"]}]

    def pay(self, session_id: str) -> tuple[Json, Json]:
        """Pay an open session, and return it and its intent.

        Raises:
            NotOpen: it is paid, or has expired.
        """
        session = self._open(session_id)
        intent = self._intent_of(session)
        self._account.succeed(intent["id"])
        session |= {"status": "complete", "payment_status": "paid", "url": None}
        return session, intent

    def decline(self, session_id: str) -> Json:
        """Decline the card of an open session, which stays open for another one, and return its intent."""
        return self._account.fail(self._intent_of(self._open(session_id))["id"])

    def expire(self, session_id: str) -> Json:
        session = self._open(session_id)
        session |= {"status": "expired", "url": None}
        return session

    def _open(self, session_id: str) -> Json:
        session = self.find(session_id)
        if session["status"] != "open":
            raise NotOpen
        return session

    def _intent_of(self, session: Json) -> Json:
        if session["payment_intent"] is None:
            intent = self._account.create(
                cents=session["amount_total"],
                currency=session["currency"],
                metadata=self._intent_labels[session["id"]],
                key="",
                given={},
            )
            session["payment_intent"] = intent["id"]
        return self._account.find(session["payment_intent"])


def _labels(pattern: re.Pattern[str], given: Mapping[str, str]) -> dict[str, str]:
    return {label[1]: value for name, value in given.items() if (label := pattern.fullmatch(name))}
