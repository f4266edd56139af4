"""The saga engine's own errors."""

from pydantic import ValidationError

from common.errors import Conflict


class UnfitSaga(Conflict):
    """The stored saga does not fit the plans of this release."""

    public_message = "That saga does not fit its plan any more."


class SagaNotStuck(Conflict):
    code = "SAGA_NOT_STUCK"
    public_message = "That saga is not stuck."


class StaleEpoch(Conflict):
    """Another process has taken the saga over. The caller stops at once."""

    code = "STALE_EPOCH"


def without_values(error: Exception) -> str:
    """Return what is wrong without the stored values, which must not reach a log."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in wrong)
