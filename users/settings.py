"""Settings of the users process, from its environment."""

from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr, field_validator, model_validator

from common.settings import DatabaseSettings, MessagingSettings, ServiceSettings
from rabbitmq.settings import HoldSettings

__all__ = ["Settings"]

SANDBOX_OTP_URL: Final = "http://127.0.0.1:5900"
DEV_OTP_KEY: Final = "sandbox-otp-key"


class Settings(ServiceSettings, DatabaseSettings, MessagingSettings, HoldSettings):
    port: int = 5000

    # Required even in dev: all copies of the service must sign with one key.
    jwt_private_key: SecretStr = Field(description="Ed25519 private key, PEM (PKCS 8); `\\n` may stand for a newline.")
    access_token_ttl_seconds: int = Field(default=900, gt=0)
    refresh_token_ttl_seconds: int = Field(default=7 * 24 * 3600, gt=0)
    refresh_repeat_seconds: float = Field(
        default=30, ge=0, description="How long a used refresh token is exchanged again, while no successor was used."
    )
    refreshes_per_minute: int = Field(default=60, gt=0, description="Of one login.")

    otp_api_url: str = ""
    otp_api_key: SecretStr = SecretStr("")
    otp_timeout_seconds: float = Field(default=5.0, gt=0)
    otp_resend_seconds: float = Field(
        default=30, ge=0, description="The time after a code in which no other is sent while it can still be tried."
    )
    # An order has ten tickets at most: all of them can be passed on or sold within the hour.
    otp_sends_per_account: int = Field(
        default=10, ge=0, description="Codes sent to one account for one purpose in an hour; 0: no limit."
    )
    otp_sends_per_phone: int = Field(default=30, ge=0, description="Codes sent to one number in an hour; 0: no limit.")
    # All users of a venue's network share its address.
    otp_sends_per_address: int = Field(
        default=1_000, ge=0, description="Codes requested from one network address in an hour; 0: no limit."
    )
    otp_sends_by_others: int = Field(
        default=10,
        ge=0,
        description="Codes for transfers, sent to one account at the request of others, and to others at the request of "
        "one account, in an hour; 0: no limit. They do not count as the recipient's own.",
    )

    email_links_per_mailbox: int = Field(
        default=5, ge=0, description="Links sent to one email address in an hour; 0: no limit."
    )
    email_links_per_address: int = Field(
        default=200, ge=0, description="Links requested from one network address in an hour; 0: no limit."
    )

    # One hash takes about 20 ms of a core and 19 MiB; a caller that would wait longer than a second is refused.
    password_threads: int = Field(default=2, gt=0)
    password_queue: int = Field(default=64, gt=0)

    # All users of a network share its address (a venue's, for one), hence the larger number.
    login_failures_per_account: int = Field(
        default=10, ge=0, description="From one network, or one known device, in one window; 0: no limit."
    )
    login_failures_per_address: int = Field(default=100, ge=0, description="In one window; 0: no limit.")
    login_window_seconds: int = Field(default=900, gt=0)
    login_failures_in_all: int = Field(
        default=100, ge=0, description="Of one account, in `login_window_in_all_seconds`; 0: no limit."
    )
    login_window_in_all_seconds: int = Field(default=24 * 3600, gt=0)
    logins_per_account: int = Field(default=100, ge=0, description="Successful ones in a minute; 0: no limit.")
    known_devices_per_account: int = Field(default=50, gt=0)

    housekeeping_seconds: float = Field(default=60, gt=0, description="How often expired rows are deleted.")

    @model_validator(mode="before")
    @classmethod
    def _use_sandbox_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") not in {"dev", "test"}:
            return values
        return {"otp_api_url": SANDBOX_OTP_URL, "otp_api_key": DEV_OTP_KEY, **values}

    @field_validator("jwt_private_key")
    @classmethod
    def _is_ed25519(cls, pem: SecretStr) -> SecretStr:
        key_text = pem.get_secret_value().replace("\\n", "\n")
        try:
            key = load_pem_private_key(key_text.encode(), password=None)
        except (ValueError, TypeError) as error:
            raise ValueError("JWT_PRIVATE_KEY is not a PEM private key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("JWT_PRIVATE_KEY is not an Ed25519 key")  # noqa: TRY004 - pydantic expects a ValueError
        return SecretStr(key_text)

    @model_validator(mode="after")
    def _needs_an_otp_provider(self) -> Self:
        key = self.otp_api_key.get_secret_value()
        if not self.otp_api_url or not key:
            raise ValueError("OTP_API_URL and OTP_API_KEY must be set")
        if not self.is_dev and key == DEV_OTP_KEY:
            raise ValueError("OTP_API_KEY is a known development value")
        return self
