"""Settings of the supplier of digital goods."""

from typing import Any, Final, Self

from pydantic import Field, SecretStr, model_validator

from common.settings import ServiceSettings

__all__ = ["DEV_SUPPLIER_KEY", "SupplierSettings"]

SANDBOX_URL: Final = "http://127.0.0.1:5900"
# The sandbox's key. It is public, so it is refused outside dev and test.
DEV_SUPPLIER_KEY: Final = "sandbox-supplier-key"


class SupplierSettings(ServiceSettings):
    """In dev and test, the sandbox is the supplier."""

    supplier_api_url: str = Field(
        default="", description="The supplier's API, without /v1/reservations; none if empty."
    )
    supplier_api_key: SecretStr = SecretStr("")
    supplier_timeout_seconds: float = Field(default=8.0, gt=0, le=8, description="For a whole call.")
    supplier_poll_after_seconds: float = Field(
        default=300.0, gt=0, description="How long the supplier may say nothing of an order before it is asked (F3)."
    )
    supplier_poll_seconds: float = Field(
        default=60.0, gt=0, description="How often workers look for orders of which the supplier says nothing (F3)."
    )

    @model_validator(mode="before")
    @classmethod
    def _use_sandbox_as_supplier_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") not in {"dev", "test"}:
            return values
        return {"supplier_api_url": SANDBOX_URL, "supplier_api_key": DEV_SUPPLIER_KEY, **values}

    @model_validator(mode="after")
    def _require_supplier_key(self) -> Self:
        if (
            self.supplier_api_url
            and not self.is_dev
            and self.supplier_api_key.get_secret_value() in {"", DEV_SUPPLIER_KEY}
        ):
            raise ValueError("SUPPLIER_API_KEY must be set, and not to the known development value")
        return self
