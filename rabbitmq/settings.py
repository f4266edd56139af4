"""The setting that decides the queue of holds, the same for every process that declares the topology."""

from pydantic import Field

from common.settings import EnvironmentSettings


class HoldSettings(EnvironmentSettings):
    hold_ttl_seconds: float = Field(default=300, gt=0, description="How long a hold lasts (T2).")
