"""Settings shared by every process. Each service adds its own in one small frozen class."""

import base64
from typing import Any, Final, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = [
    "AES_KEY_BYTES",
    "DEV_KEY_ENCRYPTION_KEYS",
    "DatabaseSettings",
    "EnvironmentSettings",
    "MessagingSettings",
    "SealingSettings",
    "ServiceSettings",
    "key_encryption_keys",
    "require_secret",
]

# Refused outside dev and test, because the source is public.
DEV_SERVICE_TOKEN_SECRET: Final = "dev-only-service-token-secret-of-32-bytes"  # noqa: S105 - public on purpose, and refused outside dev
DEV_KEY_ENCRYPTION_KEYS: Final = f"dev:{base64.b64encode(b'dev-only key-encryption key (32)').decode()}"
KNOWN_DEV_SECRETS: Final = frozenset({DEV_SERVICE_TOKEN_SECRET})
AES_KEY_BYTES: Final = 32
LONGEST_KEY_ID: Final = 32
MINIMUM_SECRET_BYTES: Final = 32  # RFC 7518 §3.2: an HS256 key has at least 256 bits


class EnvironmentSettings(BaseSettings):
    """Base of all settings: read from the environment once, frozen, and never shown in an error."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, validate_by_name=True)


class ServiceSettings(EnvironmentSettings):
    """What every service process needs to listen, log and check tokens."""

    env: Literal["dev", "test", "prod"] = "prod"
    host: str = "127.0.0.1"
    port: int = 8000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    service_token_secret: SecretStr = SecretStr("")
    jwks_url: str = "http://127.0.0.1:5000/.well-known/jwks.json"
    call_timeout_seconds: float = Field(
        default=5.0, gt=0, description="How long an internal call waits for its response."
    )
    max_body_bytes: int = Field(default=1_048_576, description="Larger bodies are refused with 413.")
    client_timeout_seconds: float = Field(
        validation_alias=AliasChoices("client_timeout_seconds", "client_patience_seconds"),
        default=20.0,
        gt=0,
        description="How long a client may take to send its request's head or to read more of the response.",
    )
    max_connections: int | None = Field(default=None, description="Requests on more are refused with 503.")
    shutdown_grace_seconds: float = 10.0
    health_cache_seconds: float = Field(default=1.0, ge=0, description="For how long a report on /health is cached.")
    instance_id: str = Field(default="", description="Shown on /health: which platform this process belongs to.")
    docs: bool = Field(default=True, description="Serve /docs: at the gateway always, elsewhere in development only.")
    otel_exporter_otlp_endpoint: str = Field(
        default="", description="Where traces are sent; none if empty. The SDK reads the other OTEL_ variables."
    )

    @property
    def is_dev(self) -> bool:
        return self.env in {"dev", "test"}

    @model_validator(mode="before")
    @classmethod
    def _give_dev_secrets(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") in {"dev", "test"}:
            values = {"service_token_secret": DEV_SERVICE_TOKEN_SECRET, **values}
        return values

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        require_secret("SERVICE_TOKEN_SECRET", self.service_token_secret, is_dev=self.is_dev)
        return self


class DatabaseSettings(EnvironmentSettings):
    """The service's own PostgreSQL database."""

    database_url: SecretStr
    database_pool_size: int = 16
    database_pool_timeout_seconds: float = 5.0
    statement_timeout_seconds: float = 10.0
    lock_timeout_seconds: float = Field(default=0.0, description="How long to wait for a lock; 0 means no limit.")


class MessagingSettings(EnvironmentSettings):
    """RabbitMQ. A process starts even if the broker is unavailable."""

    rabbitmq_url: SecretStr
    publish_timeout_seconds: float = 5.0
    outbox_poll_seconds: float = Field(default=1.0, description="How often the outbox is polled for unsent rows.")
    outbox_retention_hours: int = Field(
        default=72, ge=1, le=168, description="How long sent messages are kept, for `python -m SERVICE.resend`."
    )


class SealingSettings(ServiceSettings):
    """The keys under which `common.sealing` wraps the key of each sealed object."""

    key_encryption_keys: SecretStr = Field(
        default=SecretStr(""), description="id:base64,…; 32 bytes each, the first key is the current one."
    )

    @model_validator(mode="before")
    @classmethod
    def _give_dev_keys(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") in {"dev", "test"}:
            values = {"key_encryption_keys": DEV_KEY_ENCRYPTION_KEYS, **values}
        return values

    @model_validator(mode="after")
    def _refuse_bad_keys(self) -> Self:
        keys = key_encryption_keys(self.key_encryption_keys)
        known = key_encryption_keys(SecretStr(DEV_KEY_ENCRYPTION_KEYS))
        if not self.is_dev and set(known.values()) & set(keys.values()):
            raise ValueError("KEY_ENCRYPTION_KEYS has a known development key")
        return self


def key_encryption_keys(listed: SecretStr) -> dict[str, bytes]:
    """Return the keys of a list ``"id:base64,id:base64"`` by their ids, as listed. URL-safe base64 is accepted, too.

    Raises:
        ValueError: it has another form. The message says nothing of the keys.
    """
    pairs = [part.strip().partition(":") for part in listed.get_secret_value().split(",")]
    try:
        keys = {key_id: _decoded(encoded) for key_id, _, encoded in pairs}
    except ValueError:
        keys = {}
    well_formed = [0 < len(key_id) <= LONGEST_KEY_ID and len(key) == AES_KEY_BYTES for key_id, key in keys.items()]
    if len(keys) != len(pairs) or not all(well_formed):
        raise ValueError("KEY_ENCRYPTION_KEYS needs distinct ids and keys of 32 bytes: id:base64,id:base64")
    return keys


def _decoded(encoded: str) -> bytes:
    padded = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
    return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)


def require_secret(name: str, secret: SecretStr, *, is_dev: bool) -> None:
    """Refuse a missing, short or publicly known secret outside dev.

    Raises:
        ValueError: the process must not start with this value.
    """
    value = secret.get_secret_value()
    if len(value.encode()) < MINIMUM_SECRET_BYTES:
        raise ValueError(f"{name} must be set and have at least {MINIMUM_SECRET_BYTES} bytes")
    if not is_dev and value in KNOWN_DEV_SECRETS:
        raise ValueError(f"{name} is a known development value")
