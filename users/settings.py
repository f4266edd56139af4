"""What the users process reads from its environment."""

from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr, field_validator, model_validator

from common.settings import DatabaseSettings, ServiceSettings
from rabbitmq.settings import BrokerSettings

__all__ = ["Settings"]

SANDBOX_OTP_URL: Final = "http://127.0.0.1:5900"
DEV_OTP_KEY: Final = "sandbox-otp-key"
DEV_OTP_SENDS: Final = 10_000


class Settings(ServiceSettings, DatabaseSettings, BrokerSettings):
    """One frozen object, read once at the start."""

    port: int = 5000

    # Required everywhere, dev included: copies of the service must sign with one key.
    jwt_private_key: SecretStr = Field(description="Ed25519 private key, PEM (PKCS 8); `\\n` may stand for a newline.")
    access_token_ttl_seconds: int = Field(default=900, gt=0)
    refresh_token_ttl_seconds: int = Field(default=7 * 24 * 3600, gt=0)

    otp_api_url: str = ""
    otp_api_key: SecretStr = SecretStr("")
    otp_timeout_seconds: float = Field(default=5.0, gt=0)
    otp_resend_seconds: float = Field(
        default=30, ge=0, description="After a code that can still be tried no other is sent for so long."
    )
    otp_sends_per_account: int = Field(
        default=5, ge=0, description="Codes sent to one account for one purpose in an hour; 0: no limit."
    )
    otp_sends_per_phone: int = Field(default=10, ge=0, description="Codes sent to one number in an hour; 0: no limit.")
    otp_sends_per_address: int = Field(
        default=20, ge=0, description="Codes asked for from one network address in an hour; 0: no limit."
    )
    otp_sends_by_others: int = Field(
        default=5,
        ge=0,
        description="Codes sent to one account because of others, and because of one account to others, in an hour; "
        "0: no limit. They do not count as the recipient's own.",
    )

    # One hash takes about 20 ms of a core and 19 MiB; who would wait longer than a second had better come again.
    password_threads: int = Field(default=2, gt=0)
    password_queue: int = Field(default=64, gt=0)

    # Failures, not logins. An address is shared by everybody behind it (a venue's network), hence the larger number.
    login_failures_per_account: int = Field(default=10, ge=0, description="In one window; 0: no limit.")
    login_failures_per_address: int = Field(default=100, ge=0, description="In one window; 0: no limit.")
    login_window_seconds: int = Field(default=900, gt=0)

    housekeeping_seconds: float = Field(default=600, gt=0, description="How often expired rows are dropped.")

    @model_validator(mode="before")
    @classmethod
    def _use_sandbox_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
        """In dev the provider is the sandbox; a few people with made-up phones do everything, from one machine."""
        if values.get("env") not in {"dev", "test"}:
            return values
        return {
            "otp_api_url": SANDBOX_OTP_URL,
            "otp_api_key": DEV_OTP_KEY,
            "otp_sends_per_phone": 0,
            "otp_sends_per_account": DEV_OTP_SENDS,
            "otp_sends_per_address": DEV_OTP_SENDS,
            "otp_sends_by_others": DEV_OTP_SENDS,
            **values,
        }

    @field_validator("jwt_private_key")
    @classmethod
    def _is_ed25519(cls, pem: SecretStr) -> SecretStr:
        text = pem.get_secret_value().replace("\\n", "\n")
        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError) as error:
            raise ValueError("JWT_PRIVATE_KEY is not a PEM private key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("JWT_PRIVATE_KEY is not an Ed25519 key")  # noqa: TRY004 - pydantic wants a ValueError
        return SecretStr(text)

    @model_validator(mode="after")
    def _needs_an_otp_provider(self) -> Self:
        key = self.otp_api_key.get_secret_value()
        if not self.otp_api_url or not key:
            raise ValueError("OTP_API_URL and OTP_API_KEY must be set")
        if not self.is_dev and key == DEV_OTP_KEY:
            raise ValueError("OTP_API_KEY is a known development value")
        return self
