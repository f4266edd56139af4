"""What transfers read from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings


class TransferSettings(EnvironmentSettings):
    transfer_ttl_seconds: float = Field(default=900.0, gt=0, description="How long both parties have to confirm (T8).")
