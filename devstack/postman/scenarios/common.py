"""Steps that several scenarios share. Variables are named after their users: ``seller_id``, ``seller_token``."""

from typing import Final

from devstack.postman.scripts import Variable
from devstack.postman.steps import Step

__all__ = [
    "CATEGORY",
    "PRICE",
    "SANDBOX",
    "buy",
    "log_in",
    "pay",
    "scan",
    "show_balance",
    "show_hall",
    "show_qr_code",
    "sign_up",
]

# The cheapest category of the seeded hall of 500 seats, whose id is the environment's `event_id`.
CATEGORY: Final = "CAT3"
PRICE: Final = "180.00"
SANDBOX: Final = "{{sandbox_url}}"
PASSWORD: Final = "a-long-password"  # noqa: S105 - of accounts that a scenario creates


def sign_up(user: str, *, phone: str, credits_: str) -> list[Step]:
    """Return steps that create an account, verify its phone and add credits.

    Args:
        phone: the prefix of the number; the timestamp follows, ten digits.
    """
    register = Step(
        name=f"Register the {user}",
        path="/api/auth/register",
        body={
            "email": f"{user}-{{{{$guid}}}}@example.com",
            "phone": f"{phone}{{{{$timestamp}}}}",
            "password": PASSWORD,
            "name": user.capitalize(),
        },
        status=201,
        expected={"success": True, "data.status": "PENDING_VERIFICATION"},
        saved={f"{user}_id": "data.user_id"},
    )
    verify = Step(
        name=f"Verify the {user}'s phone",
        path="/api/auth/verify-registration",
        body={"user_id": f"{{{{{user}_id}}}}", "otp_code": "{{otp_code}}"},
        expected={"success": True},
        present=["data.refresh_token"],
        saved={f"{user}_token": "data.access_token"},
    )
    top_up = Step(
        name=f"Add credits to the {user}'s wallet in the sandbox",
        base=SANDBOX,
        path="/topups",
        body={"user_id": f"{{{{{user}_id}}}}", "amount": credits_},
        status=201,
    )
    return [register, verify, top_up, show_balance(user, credits_)]


def show_balance(user: str, balance: str) -> Step:
    return Step(
        name=f"The {user} has {balance}",
        method="GET",
        path="/api/credits/balance",
        user=user,
        expected={"data.credit_balance": balance},
    )


def buy(user: str) -> list[Step]:
    """Return steps that buy one ticket of the seeded hall and save `seat_id` and `order_id`."""
    reserve = Step(
        name=f"The {user} reserves the best available seat",
        path="/api/reserve/best-available",
        user=user,
        key=f"{{{{{user}_id}}}}-reserve",
        body={"event_id": "{{event_id}}", "category": CATEGORY, "quantity": 1},
        expected={"data.status": "HELD", "data.total": PRICE},
        present=["data.held_until"],
        saved={"order_id": "data.order_id", "seat_id": "data.seat_ids[0]"},
    )
    return [reserve, pay(user, name=f"The {user} pays")]


def pay(user: str, *, name: str) -> Step:
    return Step(
        name=name,
        path="/api/pay",
        user=user,
        key="{{order_id}}-pay",
        body={"order_id": "{{order_id}}"},
        expected={"data.status": "CONFIRMED", "data.credits_charged": PRICE},
        present=["data.qr_payload"],
    )


def show_qr_code(user: str, *, saved_as: str = "qr_payload") -> Step:
    return Step(
        name=f"The {user}'s QR code of the ticket",
        method="GET",
        path="/api/tickets/{{seat_id}}/qr",
        user=user,
        saved={saved_as: "data.qr_payload"},
    )


def show_hall() -> Step:
    """Return a step that saves `hall_id`."""
    return Step(
        name="The event's hall",
        method="GET",
        path="/api/events/{{event_id}}",
        query={"include_seats": "false"},
        saved={"hall_id": "data.hall_id"},
    )


def scan(name: str, result: str, *, payload: str = "qr_payload") -> Step:
    """Return a scan by the staff; `payload` is the variable with the QR code."""
    return Step(
        name=name,
        path="/api/verify",
        user="staff",
        body={"qr_payload": f"{{{{{payload}}}}}", "hall_id": "{{hall_id}}"},
        expected={"data.result": result, "data.seat_id": Variable("seat_id")},
        present=["data.message"],
    )


def log_in(user: str) -> Step:
    """Return a step that logs in with ``{{<user>_email}}`` of the environment."""
    return Step(
        name=f"The {user} logs in",
        path="/api/auth/login",
        body={"email": f"{{{{{user}_email}}}}", "password": "{{seed_password}}"},
        expected={"data.token_type": "Bearer"},
        saved={f"{user}_token": "data.access_token"},
    )
