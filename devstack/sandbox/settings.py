"""The sandbox's settings."""

from pydantic import Field, SecretStr

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings, read once at the start."""

    port: int = 5900
    smtp_port: int = Field(default=5925, ge=0, description="The port for emails; 0 means any free port.")
    otp_api_key: SecretStr = SecretStr("sandbox-otp-key")
    otp_ttl_seconds: float = Field(default=600, gt=0, description="The validity of a code.")
    users_url: str = "http://127.0.0.1:5000"
    gateway_url: str = Field(default="http://127.0.0.1:8000", description="The receiver of webhooks.")
    stripe_secret_key: SecretStr = SecretStr("sk_test_sandbox")
    stripe_webhook_secret: SecretStr = SecretStr("whsec_sandbox")
    nowpayments_api_key: SecretStr = SecretStr("sandbox-nowpayments-key")
    nowpayments_ipn_secret: SecretStr = SecretStr("sandbox-nowpayments-ipn-secret")
    text_api_key: SecretStr = SecretStr("sandbox-text-key")
    supplier_api_key: SecretStr = SecretStr("sandbox-supplier-key")
    supplier_webhook_secret: SecretStr = SecretStr("sandbox-supplier-webhook-secret")
