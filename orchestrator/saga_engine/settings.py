"""Settings of the saga engine."""

from pydantic import AliasChoices, Field

from common.settings import EnvironmentSettings
from orchestrator.saga_engine.plan import DEFAULT_STEP_TIMEOUT_SECONDS
from orchestrator.saga_engine.repository import LEASE_MARGIN_SECONDS


class SagaSettings(EnvironmentSettings):
    request_budget_seconds: float = Field(default=10.0, description="A request whose saga takes longer gets 202.")
    saga_step_timeout_seconds: float = Field(
        validation_alias=AliasChoices("saga_step_timeout_seconds", "saga_patience_seconds"),
        default=DEFAULT_STEP_TIMEOUT_SECONDS,
        gt=0,
        description="How long an unanswered step is repeated.",
    )
    saga_lease_margin_seconds: float = Field(
        default=LEASE_MARGIN_SECONDS,
        gt=0,
        description="How long after the step timeout a silent process loses its saga.",
    )
    recover_interval_seconds: float = Field(default=1.0, description="How often due sagas are taken over.")
