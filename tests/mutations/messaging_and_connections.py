"""Deliberate bugs in messaging, in connections to the database and in the deletion of old rows."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

MESSAGING: Final = "tests/integration/common/test_messaging.py"
RETENTION: Final = "tests/integration/common/test_retention.py"
POOL: Final = "tests/integration/common/test_pool.py"

MUTATIONS: Final = (
    Mutation(
        name="messages are acknowledged before they are handled",
        file="common/messaging/consumer.py",
        before="""        outcome = "done"
        try:
            await self._handle(incoming)
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise  # shutting down: the message is not acknowledged, so another consumer gets it
            outcome = await self._dispose(incoming, RuntimeError(f"The handler's work was cancelled: {error!r}"))
        except Exception as error:  # noqa: BLE001 - every failure has a disposition
            outcome = await self._dispose(incoming, error)
        else:
            await incoming.ack()
""",
        after="""        outcome = "done"
        await incoming.ack()
        try:
            await self._handle(incoming)
        except asyncio.CancelledError:
            raise
        except Exception:
            outcome = "lost"
""",
        caught_by=(
            f"{MESSAGING}::TestConsumer::test_unacknowledged_message_is_redelivered_after_a_crash",
            f"{MESSAGING}::TestConsumer::test_message_that_keeps_crashing_its_handler_is_parked",
        ),
        breaks=("the broker restarts during a consumption",),
    ),
    Mutation(
        name="a message that crashes its handler is redelivered forever",
        file="common/messaging/consumer.py",
        before="        if disposition_of(error) is MessageDisposition.RETURN and deliveries < DELIVERY_LIMIT:",
        after="        if disposition_of(error) is MessageDisposition.RETURN and deliveries > 0:",
        caught_by=(f"{MESSAGING}::TestConsumer::test_message_that_keeps_crashing_its_handler_is_parked",),
        breaks=("a poison message is parked after its backoff schedule",),
    ),
    Mutation(
        name="messages are marked as sent without the broker's confirmation",
        file="common/messaging/outbox.py",
        before="zip(rows, outcomes, strict=True) if failure is None]:",
        after="zip(rows, outcomes, strict=True) if not isinstance(failure, str)]:",
        caught_by=(
            f"{MESSAGING}::TestOutboxRelay::test_unroutable_message_is_kept_and_does_not_block_others",
            f"{MESSAGING}::TestOutboxRelay::test_relay_continues_after_a_lost_connection",
        ),
        breaks=(
            "an unbound exchange keeps the outbox's row",
            "the broker restarts during a publication",
        ),
    ),
    Mutation(
        name="two relays send the same messages",
        file="common/messaging/outbox.py",
        before="    ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED\n",
        after="    ORDER BY created_at LIMIT :batch\n",
        caught_by=(f"{MESSAGING}::TestOutboxRelay::test_two_relays_share_the_work",),
    ),
    Mutation(
        name="a message is handled each time it arrives (no inbox)",
        file="common/messaging/inbox.py",
        before="        ON CONFLICT DO NOTHING\n        RETURNING message_id)\n",
        after="        ON CONFLICT (message_id, consumer) DO UPDATE SET consumer = :consumer\n        RETURNING message_id)\n",
        caught_by=(
            "tests/integration/notifications/test_feeds.py::test_twenty_concurrent_deliveries_create_one_entry",
        ),
        breaks=("messages arrive twice and in any order",),
    ),
    Mutation(
        name="messages are deleted by when they were written, sent or not",
        file="common/messaging/outbox.py",
        before='aged_by="sent_at", keep_days=keep_hours / 24, condition="sent_at IS NOT NULL"',
        after='aged_by="created_at", keep_days=keep_hours / 24, condition="true"',
        caught_by=(f"{RETENTION}::test_sent_messages_are_deleted_in_batches",),
        breaks=("the broker is down for long",),
    ),
    Mutation(
        name="messages older than consumers remember are sent again",
        file="common/messaging/resend.py",
        before="    AND created_at > CAST(:oldest AS timestamptz)\n",
        after="    AND CAST(:oldest AS timestamptz) IS NOT NULL\n",
        caught_by=("tests/integration/notifications/test_resend.py::TestCommand::test_marks_what_was_sent_since_then",),
        breaks=("messages arrive twice and in any order",),
    ),
    Mutation(
        name="a caller without a free connection waits forever",
        file="common/db/engine.py",
        before="            timeout = None if pool.get_idle_size() else self._settings.database_pool_timeout_seconds\n",
        after="            timeout = None\n",
        caught_by=(f"{POOL}::test_caller_without_a_connection_is_refused_and_the_others_continue[in_one_statement]",),
        breaks=("an exhausted connection pool leaves no lock behind",),
    ),
    Mutation(
        name="a connection that the server ended is an internal error",
        file="common/db/engine.py",
        before="    except (PoolTimeoutError, TimeoutError, OSError, *BROKEN_CONNECTION) as error:\n",
        after="    except (PoolTimeoutError, TimeoutError, OSError) as error:\n",
        caught_by=(f"{POOL}::test_connection_terminated_by_the_server_is_replaced[in_one_statement]",),
        breaks=("PostgreSQL is stopped, killed, or crashes under load",),
    ),
    Mutation(
        name="a batch of old rows has no limit",
        file="common/db/retention.py",
        before="LIMIT :batch FOR UPDATE SKIP LOCKED",
        after="LIMIT 100 * :batch FOR UPDATE SKIP LOCKED",
        caught_by=(f"{RETENTION}::test_backlog_is_deleted_in_batches",),
        breaks=("millions of old rows wait for their deletion",),
    ),
)
