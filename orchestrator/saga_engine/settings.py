"""What the saga engine reads from the environment."""

from pydantic import AliasChoices, Field

from common.settings import EnvironmentSettings
from orchestrator.saga_engine.plan import DEFAULT_STEP_TIMEOUT_SECONDS
from orchestrator.saga_engine.repository import LEASE_MARGIN_SECONDS

__all__ = ["SagaSettings"]


class SagaSettings(EnvironmentSettings):
    request_budget_seconds: float = Field(default=10.0, description="Longer sagas are answered with 202.")
    saga_step_timeout_seconds: float = Field(
        validation_alias=AliasChoices("saga_step_timeout_seconds", "saga_patience_seconds"),
        default=DEFAULT_STEP_TIMEOUT_SECONDS,
        gt=0,
        description="How long a step is tried before its saga decides.",
    )
    saga_lease_margin_seconds: float = Field(
        default=LEASE_MARGIN_SECONDS, gt=0, description="A silent owner loses its saga so long after its patience."
    )
    recover_interval_seconds: float = Field(default=1.0, description="How often lost and overdue sagas are looked for.")
