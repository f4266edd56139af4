"""Settings of menus and of performers' devices."""

from typing import Any, Final

from pydantic import Field, model_validator

from common.settings import ServiceSettings

SANDBOX_URL: Final = "http://127.0.0.1:5900"


class MenuSettings(ServiceSettings):
    """In dev and test, the sandbox replaces the devices."""

    item_ttl_seconds: float = Field(
        default=604_800.0, gt=0, description="How long a performer has to complete a queued menu item (M3)."
    )
    device_api_url: str = Field(
        default="", description="The service that performers' devices are reached by; none if empty (M6)."
    )
    device_timeout_seconds: float = Field(
        default=5.0, gt=0, lt=10, description="How long a device may take to respond."
    )

    @model_validator(mode="before")
    @classmethod
    def _use_sandbox_as_devices_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"device_api_url": SANDBOX_URL, **values} if values.get("env") in {"dev", "test"} else values
