"""The answer of the internal route."""

from datetime import datetime

from pydantic import BaseModel

from users.email_links.models import Purpose


class AccountEmail(BaseModel):
    """An email to send now. `token` and `expires_at` belong to its link; a notice has none.

    `phone_ending`: the last four digits of the account's phone; null if the email is not about one account.
    """

    purpose: Purpose
    address: str
    token: str | None
    expires_at: datetime | None
    phone_ending: str | None
