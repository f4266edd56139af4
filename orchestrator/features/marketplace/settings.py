"""What the marketplace reads from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["MarketplaceSettings"]


class MarketplaceSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    sale_approval_ttl_seconds: float = Field(
        default=86_400.0, gt=0, description="How long a seller has to approve a sale (T10)."
    )
