"""The answer of the internal route."""

from datetime import datetime

from pydantic import BaseModel

from users.email_links.models import Purpose


class AccountEmail(BaseModel):
    """An email to send now. `token` and `expires_at` belong to its link; a notice has none."""

    purpose: Purpose
    address: str
    token: str | None
    expires_at: datetime | None
