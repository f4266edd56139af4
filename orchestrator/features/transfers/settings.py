"""What transfers read from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["TransferSettings"]


class TransferSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    transfer_ttl_seconds: float = Field(default=900.0, gt=0, description="How long both parties have to confirm (T8).")
