"""The saga engine's own errors."""

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
