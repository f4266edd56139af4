"""The SQL of subscriptions: one statement for each change, with the message that reports it."""

from typing import Final

from sqlalchemy import TextClause, text

from orders.shared.messages import messages

__all__ = [
    "CANCEL",
    "DUE",
    "END",
    "END_OF_FAN",
    "END_OF_PERFORMER",
    "IS_RENEWABLE",
    "REMIND",
    "RESUME",
    "begin_period",
    "subscription_json",
]

PERIOD_DAYS: Final = 30
RENEWED_BEFORE: Final = "1 hour"
"""How long before its end a period is followed by the next one, so that no fan who renews loses access at its end."""
# Of an item that is opened: it is no renewal, or the subscription renews and has so many periods.
IS_RENEWABLE: Final = """
    (CAST(:renewed_periods AS integer) IS NULL OR EXISTS (
        SELECT FROM subscriptions
        WHERE user_id = :buyer_user_id AND performer_id = :performer_id AND renews AND periods = :renewed_periods))
"""


def subscription_json(subscription: str) -> str:
    """Return the SQL expression that shapes a row of `subscriptions`."""
    return f"""
        jsonb_build_object(
            'subscription_id', {subscription}.subscription_id, 'user_id', {subscription}.user_id,
            'performer_id', {subscription}.performer_id, 'price', {subscription}.price::text,
            'renews', {subscription}.renews, 'is_active', {subscription}.ends_at > clock_timestamp(),
            'periods', {subscription}.periods, 'started_at', {subscription}.started_at,
            'ends_at', {subscription}.ends_at)
    """


def _announced(name: str, *, kind: str, rows: str) -> str:
    """Return the CTE that announces rows of `subscriptions`, which the CTE `rows` has."""
    return messages(
        name,
        kind=kind,
        subject="subscription_id",
        data="""
            jsonb_build_object(
                'subscription_id', subscription_id, 'buyer_user_id', user_id, 'seller_user_id', performer_id,
                'performer_id', performer_id, 'price', price::text, 'ends_at', ends_at, 'renews', renews)
            || CASE WHEN end_reason = '' THEN '{}'::jsonb ELSE jsonb_build_object('reason', end_reason) END
        """,
        rows=rows,
    )


def begin_period(completed: str) -> str:
    """Return the CTEs with which a completed item of the type `subscription` begins a period, or extends it.

    `subscription.started` or `.renewed` leaves with the write. A statement that includes them has the parameter
    `:correlation_id`. What two concurrent purchases of one subscription paid is what they get: two periods.

    A fan who cancels while the purchase is in progress has cancelled: the period that it pays is the last one. A renewal
    never lets a subscription renew again, however that has ended.

    Args:
        completed: the CTE with the completed row of `purchased_items`, if it was completed.
    """
    stays_ended = f"""
        (SELECT renewed_periods IS NOT NULL OR coalesce(s.cancelled_at >= created_at, false) FROM {completed})
    """  # noqa: S608 - a constant name
    return f"""
    subscribed AS (
        INSERT INTO subscriptions AS s (subscription_id, user_id, performer_id, price, periods, started_at, ends_at)
        SELECT gen_random_uuid(), buyer_user_id, performer_id, price, 1, now(),
               clock_timestamp() + interval '{PERIOD_DAYS} days'
        FROM {completed} WHERE type = 'subscription'
        ON CONFLICT (user_id, performer_id) DO UPDATE SET
            price = excluded.price, periods = s.periods + 1, is_reminded = false, end_reason = '',
            ends_at = greatest(s.ends_at, clock_timestamp()) + interval '{PERIOD_DAYS} days',
            renews = s.renews OR NOT {stays_ended},
            started_at = CASE WHEN s.renews OR s.ends_at > clock_timestamp() OR {stays_ended}
                              THEN s.started_at ELSE now() END
        RETURNING *),
    {
        _announced(
            "subscription_announced",
            kind="CASE WHEN started_at = now() THEN 'subscription.started' ELSE 'subscription.renewed' END",
            rows="subscribed",
        )
    }
    """  # noqa: S608 - constant names


def _change(changes: str, *, where: str, kind: str) -> TextClause:
    """Return the statement that changes subscriptions and announces each."""
    return text(
        f"""
        WITH changed AS (UPDATE subscriptions SET {changes} WHERE {where} RETURNING *),
        {_announced("announced", kind=f"'subscription.{kind}'", rows="changed")}
        SELECT {subscription_json("changed")} AS found FROM changed
        """  # noqa: S608 - constants only
    )


CANCEL: Final = _change(
    "renews = false, cancelled_at = clock_timestamp()",
    where="user_id = :user_id AND performer_id = :performer_id AND renews",
    kind="cancelled",
)
END: Final = _change(
    "renews = false, end_reason = :reason",
    where="subscription_id = :subscription_id AND periods = :periods AND renews",
    kind="ended",
)
# Copies of the service that remind at once share the work.
REMIND: Final = _change(
    "is_reminded = true",
    where="""subscription_id = ANY(ARRAY(
        SELECT subscription_id FROM subscriptions
        WHERE renews AND NOT is_reminded AND ends_at > clock_timestamp()
            AND ends_at <= clock_timestamp() + make_interval(days => :days_before)
        ORDER BY ends_at LIMIT :limit FOR UPDATE SKIP LOCKED))""",
    kind="ending_soon",
)
# The performer's account was deleted: there is nothing to subscribe to.
END_OF_PERFORMER: Final = _change(
    "renews = false, end_reason = 'PERFORMER_NOT_FOUND', ends_at = least(ends_at, clock_timestamp())",
    where="""subscription_id = ANY(ARRAY(
        SELECT subscription_id FROM subscriptions
        WHERE performer_id = :user_id AND (renews OR ends_at > clock_timestamp())
        LIMIT :limit FOR UPDATE))""",
    kind="ended",
)
# The fan's account was deleted: there is no fan left to notify. A renewal in progress does not make it renew again.
END_OF_FAN: Final = text(
    """
    UPDATE subscriptions SET
        renews = false, cancelled_at = clock_timestamp(), ends_at = least(ends_at, clock_timestamp())
    WHERE user_id = :user_id AND (renews OR ends_at > clock_timestamp())
    """
)
RESUME: Final = text(
    f"""
    WITH changed AS (
        UPDATE subscriptions SET renews = true, cancelled_at = NULL, end_reason = ''
        WHERE subscription_id = :subscription_id AND ends_at > clock_timestamp()
        RETURNING *)
    SELECT {subscription_json("changed")} AS found FROM changed
    """  # noqa: S608 - constants only
)
DUE: Final = text(
    f"""
    SELECT {subscription_json("subscriptions")} AS found FROM subscriptions
    WHERE renews AND ends_at <= clock_timestamp() + interval '{RENEWED_BEFORE}'
      AND (ends_at, subscription_id) > (coalesce(CAST(:after_end AS timestamptz), '-infinity'), CAST(:after_id AS uuid))
    ORDER BY ends_at, subscription_id LIMIT :limit
    """  # noqa: S608 - constants only
)
