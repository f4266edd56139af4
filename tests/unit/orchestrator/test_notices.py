"""Who is notified of a message, what each user sees, and which emails they get."""

import uuid
from typing import Any

import pytest

from common.messaging.message import InvalidMessage, Message
from orchestrator.features.notifications.models.notices import Notice, notices_of
from orchestrator.features.notifications.models.notifications import Channel, NotificationKind, NotificationRequest

SELLER, BUYER, FAN = (uuid.uuid4() for _ in range(3))
PARTIES = {"seller_user_id": str(SELLER), "buyer_user_id": str(BUYER)}


def notices_by_user(kind: str, /, **data: Any) -> dict[uuid.UUID, Notice]:
    message = Message(type=kind, source="tests", subject=str(uuid.uuid4()), data=data)
    return {notice.user_id: notice for notice in notices_of(message)}


def channels_and_kinds(notice: Notice) -> list[tuple[str, str]]:
    return [(channel.value, letter.value) for channel, letter in notice.emails]


def test_buyer_is_notified_of_the_tickets() -> None:
    notice = notices_by_user("order.confirmed", user_id=str(FAN), total="350.00")[FAN]
    assert channels_and_kinds(notice) == [("email", "tickets_bought")]
    assert (notice.entry["type"], notice.entry["data"]) == ("order.confirmed", {"user_id": str(FAN), "total": "350.00"})


@pytest.mark.parametrize(
    ("kind", "seller", "buyer"),
    [
        ("transfer.pending", NotificationKind.TRANSFER_PENDING, NotificationKind.TRANSFER_PENDING),
        ("transfer.completed", NotificationKind.TRANSFER_COMPLETED, NotificationKind.TICKET_RECEIVED),
        ("transfer.failed", NotificationKind.TRANSFER_FAILED, NotificationKind.TRANSFER_FAILED),
        ("transfer.reversed", NotificationKind.TRANSFER_REVERSED, NotificationKind.TRANSFER_REVERSED),
        ("sale.pending", NotificationKind.SALE_PENDING, None),
        ("sale.completed", NotificationKind.SALE_COMPLETED, NotificationKind.TICKET_RESOLD),
        ("sale.failed", None, NotificationKind.SALE_FAILED),
    ],
)
def test_both_parties_are_notified_each_by_their_own_email(
    kind: str, seller: NotificationKind | None, buyer: NotificationKind | None
) -> None:
    notices = notices_by_user(kind, **PARTIES)
    expected = {SELLER: seller, BUYER: buyer}
    for user_id, letter in expected.items():
        assert notices[user_id].emails == (((Channel.EMAIL, letter),) if letter else ())


@pytest.mark.parametrize(
    "what",
    [
        "partially_paid",
        "confirmed",
        "failed",
        "refunded",
        "partially_refunded",
        "refund_failed",
        "disputed",
        "dispute_won",
        "dispute_lost",
    ],
)
def test_payer_is_notified_of_the_payment_outcome(what: str) -> None:
    notice = notices_by_user(f"payment.{what}", user_id=str(FAN), amount="50.00", flags=["LATE"])[FAN]
    assert channels_and_kinds(notice) == [("email", f"payment_{what}")]
    assert notice.entry["data"] == {"user_id": str(FAN), "amount": "50.00"}


class TestRefund:
    def test_each_holder_sees_only_their_share(self) -> None:
        notices = notices_by_user("order.refunded", user_id=str(FAN), shares={str(FAN): "100.00", str(BUYER): "250.00"})
        assert {user: notice.entry["data"]["amount"] for user, notice in notices.items()} == {
            FAN: "100.00",
            BUYER: "250.00",
        }
        assert all("shares" not in notice.entry["data"] for notice in notices.values())
        assert channels_and_kinds(notices[BUYER]) == [("email", "order_refunded")]

    def test_buyer_without_a_share_gets_an_entry_but_no_email(self) -> None:
        notices = notices_by_user("order.refunded", user_id=str(FAN), shares={str(BUYER): "250.00"})
        assert notices[FAN].emails == ()
        assert "amount" not in notices[FAN].entry["data"]

    def test_refund_of_a_cancelled_event_is_sent_by_sms_too(self) -> None:
        notice = notices_by_user("order.refunded", user_id=str(FAN), shares={str(FAN): "100.00"}, event_is_off=True)[
            FAN
        ]
        assert channels_and_kinds(notice) == [("email", "event_cancelled"), ("sms", "event_cancelled")]


def test_job_is_shown_to_its_requester_and_sends_no_email() -> None:
    assert channels_and_kinds(notices_by_user("job.completed", user_id=str(FAN), kind="commission")[FAN]) == []
    assert notices_by_user("job.completed", user_id=None, kind="email") == {}


def test_message_without_a_user_sends_no_notification() -> None:
    assert notices_by_user("event.cancelled", event_id=str(uuid.uuid4())) == {}


@pytest.mark.parametrize("data", [{"user_id": "nobody"}, {"user_id": 7}, {"shares": {"x": "1.00"}}, {"shares": ["x"]}])
def test_malformed_user_id_is_an_invalid_message(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        notices_by_user("order.refunded", **data)


def test_payload_stored_under_the_old_field_name_is_read() -> None:
    """The attribute is `kind`; stored payloads name it `letter`, so workers of both releases can read them."""
    stored = {"letter": "order_refunded", "user_id": str(FAN), "data": {"amount": "10.00"}}
    request = NotificationRequest.model_validate(stored)
    assert request.kind is NotificationKind.ORDER_REFUNDED
    assert request.model_dump(mode="json") == stored
