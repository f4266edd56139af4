"""What the marketplace reads from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings


class MarketplaceSettings(EnvironmentSettings):
    sale_approval_ttl_seconds: float = Field(
        default=86_400.0, gt=0, description="How long a seller has to approve a sale (T10)."
    )
    listing_expiry_interval_seconds: float = Field(
        default=60.0, gt=0, description="How often workers withdraw the listings of events that have begun (T10)."
    )
