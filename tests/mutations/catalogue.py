"""Every deliberate bug."""

from typing import Final

from tests.mutations import credits_and_payments, engine_and_messaging, seats_and_check_in

MUTATIONS: Final = (
    *seats_and_check_in.MUTATIONS,
    *credits_and_payments.MUTATIONS,
    *engine_and_messaging.MUTATIONS,
)
