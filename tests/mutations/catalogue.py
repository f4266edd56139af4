"""Every deliberate bug."""

from typing import Final

from tests.mutations import (
    accounts,
    addresses,
    commissions,
    credits_and_payments,
    data_and_network,
    earnings,
    events,
    gateway,
    halls_and_limits,
    menu_purchases,
    menus,
    messaging_and_connections,
    personal_data,
    purchased_items,
    sagas_and_jobs,
    seats_and_check_in,
    subscriptions,
    tips,
)

MUTATIONS: Final = (
    *gateway.MUTATIONS,
    *accounts.MUTATIONS,
    *addresses.MUTATIONS,
    *personal_data.MUTATIONS,
    *subscriptions.MUTATIONS,
    *tips.MUTATIONS,
    *menu_purchases.MUTATIONS,
    *purchased_items.MUTATIONS,
    *data_and_network.MUTATIONS,
    *seats_and_check_in.MUTATIONS,
    *halls_and_limits.MUTATIONS,
    *events.MUTATIONS,
    *menus.MUTATIONS,
    *credits_and_payments.MUTATIONS,
    *earnings.MUTATIONS,
    *commissions.MUTATIONS,
    *sagas_and_jobs.MUTATIONS,
    *messaging_and_connections.MUTATIONS,
)
