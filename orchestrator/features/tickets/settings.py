"""What tickets read from the environment."""

from pydantic import Field, SecretStr

from common.settings import EnvironmentSettings


class TicketSettings(EnvironmentSettings):
    qr_keys: SecretStr = Field(description="id:base64url,…; the first key is the active one.")
    qr_ttl_seconds: int = Field(default=60, gt=0, description="How long a QR code is valid (T11).")
