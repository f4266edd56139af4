"""Settings of notifications."""

from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, NameEmail, SecretStr, TypeAdapter, field_validator, model_validator

from common.settings import EnvironmentSettings

__all__ = ["NotificationSettings"]

SANDBOX_SMTP_URL: Final = "smtp://127.0.0.1:5925"
DEV_SENDER: Final = "TicketRemaster <tickets@ticketremaster.example>"
SCHEMES: Final = ("smtp", "smtps")


class NotificationSettings(EnvironmentSettings):
    """The mail server, the sender, and how long feeds are kept."""

    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="smtp://user:password@host:587 (STARTTLS, required with a password), or smtps://… for implicit TLS.",
    )
    smtp_timeout_seconds: float = Field(default=10.0, gt=0)
    mail_from: str = Field(default="", description="The sender of emails, such as: Tickets <tickets@shop.example>")
    mail_reply_to: str = Field(default="", description="The address for replies; MAIL_FROM if empty.")
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="The public URL of the site, with which links in emails begin."
    )
    feed_retention_days: float = Field(
        validation_alias=AliasChoices("feed_retention_days", "feed_keep_days"),
        default=30.0,
        gt=0,
        description="How long entries of a user's feed are kept.",
    )

    @model_validator(mode="before")
    @classmethod
    def _use_sandbox_mail_server_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
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
    def _without_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _needs_a_mail_server(self) -> Self:
        url = urlsplit(self.smtp_url.get_secret_value())
        if url.scheme not in SCHEMES or not url.hostname or not self.mail_from:
            raise ValueError("SMTP_URL (smtp://host:port or smtps://host:port) and MAIL_FROM must be set")
        return self
