"""Messages that a statement writes to the outbox with its change (`common.messaging.message`)."""

from typing import Final

from common.messaging.declarations import MESSAGES_EXCHANGE

SOURCE: Final = "orders"


def messages(name: str, *, kind: str, subject: str, data: str, rows: str) -> str:
    """Return the CTE that stores one message for each row; the statement has the parameter `:correlation_id`.

    The database makes the messages, because only the statement itself knows which rows changed.

    Args:
        name: the CTE's name.
        kind: the SQL expression of the type, such as ``'subscription.ended'``.
        subject: the SQL expression of the id that the message is about.
        data: the SQL expression of its data, a jsonb object.
        rows: what the rows are selected from, with any condition.
    """
    return f"""
    {name} AS (
        INSERT INTO outbox (message_id, exchange, routing_key, body)
        SELECT message_id, '{MESSAGES_EXCHANGE}', kind, convert_to(jsonb_build_object(
            'id', message_id, 'type', kind, 'version', 1, 'time', clock_timestamp(), 'source', '{SOURCE}',
            'subject', subject, 'correlation_id', CAST(:correlation_id AS text), 'data', data)::text, 'UTF8')
        FROM (SELECT gen_random_uuid() AS message_id, {kind} AS kind, {subject} AS subject, {data} AS data
              FROM {rows}) AS message)
    """  # noqa: S608 - no value is put in
