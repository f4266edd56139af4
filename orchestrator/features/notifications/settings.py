"""What notifications read from the environment."""

from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, NameEmail, SecretStr, TypeAdapter, field_validator, model_validator

from common.settings import EnvironmentSettings

__all__ = ["NotificationSettings"]

SANDBOX_SMTP_URL: Final = "smtp://127.0.0.1:5925"
DEV_SENDER: Final = "TicketRemaster <tickets@ticketremaster.example>"
SCHEMES: Final = ("smtp", "smtps")


class NotificationSettings(EnvironmentSettings):
    """Where mail goes out, in whose name, and how long a person's feed is kept."""

    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="smtp://user:password@host:587 (STARTTLS, required with a password), smtps://… for TLS at once.",
    )
    smtp_timeout_seconds: float = Field(default=10.0, gt=0)
    mail_from: str = Field(default="", description="Who mail is from, such as: Tickets <tickets@shop.example>")
    mail_reply_to: str = Field(default="", description="Where answers go; to MAIL_FROM when empty.")
    public_url: str = Field(default="http://127.0.0.1:8000", description="Where fans find us; links in mail begin so.")
    feed_retention_days: float = Field(
        validation_alias=AliasChoices("feed_retention_days", "feed_keep_days"),
        default=30.0,
        gt=0,
        description="How long a person's feed can be read back.",
    )

    @model_validator(mode="before")
    @classmethod
    def _use_the_sandboxs_mail_server_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") not in {"dev", "test"}:
            return values
        return {"smtp_url": SANDBOX_SMTP_URL, "mail_from": DEV_SENDER, **values}

    @field_validator("mail_from", "mail_reply_to")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value:
            TypeAdapter(NameEmail).validate_python(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _has_no_end(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _needs_a_mail_server(self) -> Self:
        url = urlsplit(self.smtp_url.get_secret_value())
        if url.scheme not in SCHEMES or not url.hostname or not self.mail_from:
            raise ValueError("SMTP_URL (smtp://host:port or smtps://host:port) and MAIL_FROM must be set")
        return self
