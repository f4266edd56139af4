"""What several stories begin with. Variables are named after who they belong to: ``seller_id``, ``seller_token``."""

from typing import Final

from devstack.postman.steps import Step

__all__ = ["CATEGORY", "PRICE", "buy", "log_in", "pay", "show_balance", "sign_up"]

# The cheapest category of the seeded hall of 500 seats, whose id is the environment's `event_id`.
CATEGORY: Final = "CAT3"
PRICE: Final = "180.00"
SANDBOX: Final = "{{sandbox_url}}"
PASSWORD: Final = "a-long-password"  # noqa: S105 - of accounts that a story makes


def sign_up(who: str, *, phone: str, credits_: str) -> list[Step]:
    """Open an account, verify its phone, give it credits.

    Args:
        phone: how the number begins; the time follows, ten digits.
    """
    register = Step(
        name=f"Register the {who}",
        path="/api/auth/register",
        body={
            "email": f"{who}-{{{{$guid}}}}@example.com",
            "phone": f"{phone}{{{{$timestamp}}}}",
            "password": PASSWORD,
            "name": who.capitalize(),
        },
        status=201,
        expected={"success": True, "data.status": "PENDING_VERIFICATION"},
        saved={f"{who}_id": "data.user_id"},
    )
    verify = Step(
        name=f"Verify the {who}'s phone",
        path="/api/auth/verify-registration",
        body={"user_id": f"{{{{{who}_id}}}}", "otp_code": "{{otp_code}}"},
        expected={"success": True},
        present=["data.refresh_token"],
        saved={f"{who}_token": "data.access_token"},
    )
    top_up = Step(
        name=f"Give the {who} credits in the sandbox",
        base=SANDBOX,
        path="/topups",
        body={"user_id": f"{{{{{who}_id}}}}", "amount": credits_},
        status=201,
    )
    return [register, verify, top_up, show_balance(who, credits_)]


def show_balance(who: str, balance: str) -> Step:
    return Step(
        name=f"The {who} has {balance}",
        method="GET",
        path="/api/credits/balance",
        who=who,
        expected={"data.credit_balance": balance},
    )


def buy(who: str) -> list[Step]:
    """Buy one ticket of the seeded hall: `seat_id`, and its `order_id`."""
    reserve = Step(
        name=f"The {who} reserves the best seat left",
        path="/api/reserve/best-available",
        who=who,
        key=f"{{{{{who}_id}}}}-reserve",
        body={"event_id": "{{event_id}}", "category": CATEGORY, "quantity": 1},
        expected={"data.status": "HELD", "data.total": PRICE},
        present=["data.held_until"],
        saved={"order_id": "data.order_id", "seat_id": "data.seat_ids[0]"},
    )
    return [reserve, pay(who, name=f"The {who} pays")]


def pay(who: str, *, name: str) -> Step:
    return Step(
        name=name,
        path="/api/pay",
        who=who,
        key="{{order_id}}-pay",
        body={"order_id": "{{order_id}}"},
        expected={"data.status": "CONFIRMED", "data.credits_charged": PRICE},
        present=["data.qr_payload"],
    )


def log_in(who: str) -> Step:
    """Log in with ``{{<who>_email}}`` of the environment."""
    return Step(
        name=f"The {who} logs in",
        path="/api/auth/login",
        body={"email": f"{{{{{who}_email}}}}", "password": "{{seed_password}}"},
        expected={"data.token_type": "Bearer"},
        saved={f"{who}_token": "data.access_token"},
    )
