"""A fan's HTTP client, phone and mailbox."""

import re
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import httpx

from devstack.demo.api_client import LIMITS, TIMEOUT_SECONDS, ApiClient, data_of
from devstack.demo.narrator import DemoFailedError, await_count
from devstack.services import Urls

__all__ = ["FanClient"]

VERIFY_LINK: Final = re.compile(r"/verify-email#token=([\w-]+)")
PASSWORD: Final = "demo-password-1"  # noqa: S105 - of accounts that exist only during the demo


class FanClient(ApiClient):
    """A fan, whose text messages are read from the sandbox."""

    def __init__(self, name: str, urls: Urls) -> None:
        super().__init__(name, urls.gateway)
        self.user_id = ""
        self._mobile = f"+65{uuid4().int % 10**8:08d}"
        self._email = f"{name.lower()}.{uuid4().hex[:8]}@example.com"
        self._sandbox = httpx.Client(base_url=urls.sandbox, timeout=TIMEOUT_SECONDS, limits=LIMITS, trust_env=False)

    def close(self) -> None:
        super().close()
        self._sandbox.close()

    def register(self) -> str:
        """Create an account and verify the phone; return the code that the phone received."""
        body = {"email": self._email, "phone": self._mobile, "password": PASSWORD, "name": self.name}
        self.user_id = self.post("/auth/register", body)["user_id"]
        code = self.received_code()
        verified = self.post("/auth/verify-registration", {"user_id": self.user_id, "otp_code": code})
        self.sign_in(verified["access_token"])
        return code

    def prove_email(self, *, seconds: float) -> str:
        """Use the link that the mailbox received; return the address.

        Raises:
            DemoFailedError: no email arrived in this time.
        """
        await_count(f"an email to {self._email}", lambda: len(self._received_links()), seconds=seconds)
        verified = self.post("/auth/verify-email", {"token": self._received_links()[-1]})
        return str(verified["email"])

    def email(self, beginning: str, *, seconds: float) -> dict[str, Any]:
        """Return the last email whose subject begins so.

        Raises:
            DemoFailedError: none arrived in this time.
        """
        await_count(f'an email "{beginning}…"', lambda: len(self._emails(beginning)), seconds=seconds)
        return self._emails(beginning)[-1]

    def _emails(self, beginning: str = "") -> list[dict[str, Any]]:
        emails = self._sandbox.get("/control/mail", params={"to": self._email}).json()
        return [email for email in emails if email["subject"].startswith(beginning)]

    def _received_links(self) -> list[str]:
        return [link for email in self._emails() for link in VERIFY_LINK.findall(email["text"])]

    def received_code(self) -> str:
        """Return the last code that the phone received.

        Raises:
            DemoFailedError: it received none.
        """
        received = self._sandbox.get("/control/sent", params={"mobile": self._mobile}).json()
        if not received:
            raise DemoFailedError(f"expected an OTP on {self._mobile}, but none arrived")
        return str(received[-1]["text"])

    # --- credits -----------------------------------------------------------------------------------------------------

    def top_up(self, amount: str) -> None:
        data_of(self._sandbox.post("/topups", json={"user_id": self.user_id, "amount": amount}))

    def balance(self) -> Decimal:
        return Decimal(self.get("/credits/balance")["credit_balance"])

    # --- seats, orders, tickets --------------------------------------------------------------------------------------

    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.get("/events")
        return events

    def event(self, event_id: str) -> dict[str, Any]:
        return self.get_object(f"/events/{event_id}", include_seats="true")

    def reserve(self, event_id: str, seat_ids: list[str]) -> dict[str, Any]:
        return self.post("/reserve", {"event_id": event_id, "seat_ids": seat_ids})

    def pay(self, order_id: str) -> dict[str, Any]:
        return self.post("/pay", {"order_id": order_id})

    def verify_otp(self, order_id: str, otp_code: str) -> None:
        """Confirm a payment with a code."""
        self.post("/verify-otp", {"otp_code": otp_code, "context": "purchase", "reference_id": order_id})

    def refund(self, order_id: str) -> dict[str, Any]:
        return self.post(f"/orders/{order_id}/refund", {"reason": "Changed my mind"})

    def order(self, order_id: str) -> dict[str, Any]:
        return self.get_object(f"/orders/{order_id}")

    def seat_ids(self) -> set[str]:
        """Return the seats of the fan's tickets."""
        return {ticket["seat_id"] for ticket in self.get("/tickets")}

    def qr(self, seat_id: str) -> dict[str, Any]:
        return self.get_object(f"/tickets/{seat_id}/qr")

    # --- transfers and listings --------------------------------------------------------------------------------------

    def offer(self, seat_id: str, *, buyer: "FanClient", credits_amount: str) -> str:
        """Initiate a transfer and return its id."""
        body = {"seat_id": seat_id, "buyer_user_id": buyer.user_id, "credits_amount": credits_amount}
        return str(self.post("/transfer/initiate", body)["transfer_id"])

    def confirm(self, transfer_id: str, otp_code: str) -> dict[str, Any]:
        return self.post("/transfer/confirm", {"transfer_id": transfer_id, "otp_code": otp_code})

    def list_ticket(self, seat_id: str, asking_price: Decimal) -> dict[str, Any]:
        return self.post("/marketplace/list", {"seat_id": seat_id, "asking_price": str(asking_price)})

    def listings(self, event_id: str) -> list[dict[str, Any]]:
        listings: list[dict[str, Any]] = self.get("/marketplace/listings", event_id=event_id)
        return listings

    def buy_listed(self, listing_id: str) -> dict[str, Any]:
        return self.post("/marketplace/buy", {"listing_id": listing_id})

    def approve(self, listing_id: str, otp_code: str) -> dict[str, Any]:
        return self.post("/marketplace/approve", {"listing_id": listing_id, "otp_code": otp_code})
