"""Every deliberate bug."""

from typing import Final

from tests.mutations import credits_and_payments, engine_and_messaging, halls_and_limits, seats_and_check_in

MUTATIONS: Final = (
    *seats_and_check_in.MUTATIONS,
    *halls_and_limits.MUTATIONS,
    *credits_and_payments.MUTATIONS,
    *engine_and_messaging.MUTATIONS,
)
