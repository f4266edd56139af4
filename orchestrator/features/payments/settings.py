"""The payment providers' URLs, and the secrets shared with them and with the supplier."""

from typing import Any, Final, Self

from pydantic import Field, SecretStr, model_validator

from common.settings import ServiceSettings

__all__ = ["PaymentSettings"]

SANDBOX_URL: Final = "http://127.0.0.1:5900"
# The sandbox's secrets. They are public, so they are refused outside dev and test.
DEV_SECRETS: Final = {
    "stripe_secret_key": "sk_test_sandbox",
    "stripe_webhook_secret": "whsec_sandbox",
    "nowpayments_api_key": "sandbox-nowpayments-key",
    "nowpayments_ipn_secret": "sandbox-nowpayments-ipn-secret",
    "supplier_webhook_secret": "sandbox-supplier-webhook-secret",
}


class PaymentSettings(ServiceSettings):
    """In dev and test, the sandbox replaces all providers."""

    stripe_api_url: str = "https://api.stripe.com"
    stripe_secret_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    nowpayments_api_url: str = "https://api.nowpayments.io"
    nowpayments_api_key: SecretStr = SecretStr("")
    nowpayments_ipn_secret: SecretStr = SecretStr("")
    supplier_webhook_secret: SecretStr = SecretStr("")
    provider_timeout_seconds: float = Field(
        default=8.0, gt=0, description="The timeout of a call to a provider; shorter than the gateway's own timeout."
    )
    reconcile_interval_seconds: float = Field(
        default=3_600.0, gt=0, description="How often payments are compared with the providers' own records."
    )
    reconcile_days: float = Field(
        default=7.0, gt=0, description="The age of payments that are compared; Stripe retries webhooks for 3 days."
    )

    webhook_log_days: float = Field(
        default=90.0, gt=0, description="How long webhooks are kept; providers retry them for days."
    )

    @model_validator(mode="before")
    @classmethod
    def _use_sandbox_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") not in {"dev", "test"}:
            return values
        return {"stripe_api_url": SANDBOX_URL, "nowpayments_api_url": SANDBOX_URL, **DEV_SECRETS, **values}

    @model_validator(mode="after")
    def _refuse_missing_and_known_secrets(self) -> Self:
        for name, known in DEV_SECRETS.items():
            secret: SecretStr = getattr(self, name)
            if not secret.get_secret_value():
                raise ValueError(f"{name.upper()} must be set")
            if not self.is_dev and secret.get_secret_value() == known:
                raise ValueError(f"{name.upper()} is a known development value")
        return self
