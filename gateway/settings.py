"""The gateway's settings."""

from ipaddress import ip_network
from typing import Annotated, Any, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from common.addresses import Network
from common.settings import MessagingSettings, ServiceSettings
from gateway.routing import Upstream

__all__ = ["Settings"]

# The default networks that may read /metrics. Private networks are not included: offices and clouds have other users,
# and the address of a proxy or a container platform is private too.
THIS_MACHINE: Final = ("127.0.0.0/8", "::1/128")


class Settings(ServiceSettings, MessagingSettings):
    """Lists are comma-separated: ``CORS_ORIGINS=https://shop.example,https://admin.example``."""

    users_url: str = "http://127.0.0.1:5000"
    orders_url: str = "http://127.0.0.1:5001"
    events_url: str = "http://127.0.0.1:5002"
    orchestrator_url: str = "http://127.0.0.1:5003"
    upstream_timeout_seconds: float = Field(
        default=15.0, gt=0, description="For a response; longer than a saga's inline budget, so that its 202 arrives."
    )
    upstream_connections: int = Field(default=256, gt=0, description="The maximum to each service.")
    upstream_long_connections: int = Field(default=64, gt=0, description="The additional maximum for seat maps.")
    request_body_seconds: float = Field(default=10.0, gt=0, description="How long a client may take to send a body.")

    # Live connections included. Each uses a file descriptor, and one more to a service.
    max_connections: int | None = 16_384

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(), description="Load balancers whose X-Forwarded-For is trusted."
    )
    continue_traces: bool = Field(
        default=False, description="Continue their traceparent: set it if they drop clients'."
    )
    operator_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=tuple(ip_network(network) for network in THIS_MACHINE), description="Who may read /metrics."
    )

    rate_limit_per_minute: int = Field(
        default=100, ge=0, description="Per user; per address when anonymous, failed logins apart; 0 is off."
    )
    scan_rate_limit_per_minute: int = Field(
        default=600, gt=0, description="Scans per staff member, counted apart; off if rate_limit_per_minute is 0."
    )
    purchase_rate_limit_per_minute: int = Field(
        default=30, gt=0, description="A user's purchases from performers, counted apart; off likewise (M4)."
    )
    redis_url: SecretStr | None = Field(default=None, description="Shared counts of all gateways; in memory if empty.")

    openapi_cache_seconds: float = Field(default=30.0, ge=0)
    revocation_poll_seconds: float = Field(default=2.0, gt=0, description="How often, while the broker is unavailable.")
    live_connections: int = Field(default=10_000, gt=0)
    live_connections_per_user: int = Field(default=20, gt=0)
    live_connections_per_address: int = Field(default=50, gt=0, description="Of anonymous watchers of seat maps.")
    live_backlog_messages: int = Field(default=256, gt=0, description="A client further behind is disconnected.")

    @property
    def upstreams(self) -> dict[Upstream, str]:
        return {
            Upstream.USERS: self.users_url,
            Upstream.ORDERS: self.orders_url,
            Upstream.EVENTS: self.events_url,
            Upstream.ORCHESTRATOR: self.orchestrator_url,
        }

    @field_validator("cors_origins", "trusted_proxies", "operator_networks", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("redis_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None

    @model_validator(mode="after")
    def _refuse_any_origin(self) -> Self:
        if "*" in self.cors_origins:
            raise ValueError("CORS_ORIGINS names origins one by one: credentials are allowed, so * must not be")
        return self
