"""Who is notified of a message, what each user sees, and which emails they get."""

import uuid
from typing import Any

import pytest

from common.feeds import ADMIN_FEED
from common.messaging.message import InvalidMessage, Message
from orchestrator.features.notifications.models.notices import Notice, notices_of, shown
from orchestrator.features.notifications.models.notifications import Channel, NotificationKind, NotificationRequest

SELLER, BUYER, FAN = (uuid.uuid4() for _ in range(3))
PARTIES = {"seller_user_id": str(SELLER), "buyer_user_id": str(BUYER)}


def notices_by_user(kind: str, /, **data: Any) -> dict[uuid.UUID, Notice]:
    message = Message(type=kind, source="tests", subject=str(uuid.uuid4()), data=data)
    return {notice.user_id: notice for notice in notices_of(message)}


def channels_and_kinds(notice: Notice) -> list[tuple[str, str]]:
    return [(channel.value, request.kind.value) for channel, request in notice.emails]


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
        assert channels_and_kinds(notices[user_id]) == ([(Channel.EMAIL.value, letter.value)] if letter else [])


def test_holder_is_told_of_the_new_date() -> None:
    dates = {"previous_event_date": "2027-03-20T12:00:00Z", "event_date": "2027-04-20T12:00:00Z"}
    notice = notices_by_user("ticket.rescheduled", user_id=str(FAN), **dates)[FAN]
    assert channels_and_kinds(notice) == [("email", "event_rescheduled")]
    assert notice.entry["data"] == {"user_id": str(FAN), **dates}
    assert notices_by_user("event.rescheduled", event_id=str(uuid.uuid4()), **dates) == {}


@pytest.mark.parametrize(
    "what",
    [
        "partially_paid",
        "confirmed",
        "overpaid",
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


ORDER, EVENT, SEAT = (str(uuid.uuid4()) for _ in range(3))
DEAL = {"seat_id": SEAT, "event_id": EVENT, **PARTIES}
TRANSFER = DEAL | {"transfer_id": str(uuid.uuid4()), "credits_amount": "90.00"}
SALE = DEAL | {"listing_id": str(uuid.uuid4()), "sale_id": str(uuid.uuid4()), "price": "90.00"}


class TestPrivacy:
    """No entry names another user; a refund names to each user their own seats and amounts only."""

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("transfer.pending", TRANSFER | {"expires_at": "2027-01-01T10:00:00Z"}),
            ("transfer.completed", TRANSFER),
            ("transfer.failed", TRANSFER | {"reason": "OTP_EXPIRED"}),
            ("transfer.reversed", TRANSFER | {"shortfall": "40.00"}),
            ("sale.pending", SALE | {"expires_at": "2027-01-01T10:00:00Z"}),
            ("sale.completed", SALE),
            ("sale.failed", SALE | {"reason": "OFFER_EXPIRED"}),
        ],
    )
    def test_deal_does_not_name_the_other_party(self, kind: str, data: dict[str, Any]) -> None:
        notices = notices_by_user(kind, **data)
        for user_id, other_id in ((SELLER, BUYER), (BUYER, SELLER)):
            entry = notices[user_id].entry
            assert str(other_id) not in str(entry)
            assert str(user_id) in str(entry)
            assert entry["data"]["seat_id"] == SEAT

    def test_debt_of_the_seller_is_not_shown_to_the_buyer(self) -> None:
        notices = notices_by_user("transfer.reversed", **TRANSFER, shortfall="40.00")
        assert notices[SELLER].entry["data"]["shortfall"] == "40.00"
        assert "40.00" not in str(notices[BUYER].entry["data"])

    def test_each_user_sees_their_own_view_of_a_refund(self) -> None:
        own, others, sold = (str(uuid.uuid4()) for _ in range(3))
        message: dict[str, Any] = {"order_id": ORDER, "event_id": EVENT, "user_id": str(FAN), "seat_ids": [own, others]}
        message["shares"] = {str(FAN): "100.00", str(BUYER): "130.00"}
        message["views"] = {
            str(FAN): {
                "event_id": EVENT,
                "order_id": ORDER,
                "user_id": str(FAN),
                "seat_ids": [own],
                "amount": "100.00",
            },
            str(BUYER): {"event_id": EVENT, "seat_ids": [others], "amount": "130.00"},
            str(SELLER): {"event_id": EVENT, "seat_ids": [], "sold_seat_ids": [sold], "premium_taken_back": "30.00"},
        }
        notices = notices_by_user("order.refunded", **message)
        for user_id, notice in notices.items():
            assert notice.entry["data"] == message["views"][str(user_id)]
        for hidden in (ORDER, str(FAN), own, "100.00"):
            assert hidden not in str(notices[BUYER].entry)
            assert hidden not in str(notices[SELLER].entry)
        for hidden in (str(BUYER), others, "130.00"):
            assert hidden not in str(notices[FAN].entry)

    def test_emails_of_a_refund_are_built_from_own_seats_and_amounts(self) -> None:
        own, sold = str(uuid.uuid4()), str(uuid.uuid4())
        view = {"seat_ids": [own], "amount": "130.00", "sold_seat_ids": [sold], "premium_taken_back": "30.00"}
        notice = notices_by_user(
            "order.refunded", order_id=ORDER, user_id=str(FAN), seat_ids=[own, sold, SEAT], views={str(BUYER): view}
        )[BUYER]
        facts = {request.kind: (request.data["seat_ids"], request.data["amount"]) for _, request in notice.emails}
        assert facts == {
            NotificationKind.ORDER_REFUNDED: ([own], "130.00"),
            NotificationKind.PREMIUM_TAKEN_BACK: ([sold], "30.00"),
        }

    def test_refund_of_the_previous_release_hides_the_order_from_another_holder(self) -> None:
        refund = {"order_id": ORDER, "event_id": EVENT, "user_id": str(FAN), "seat_ids": [SEAT]}
        notices = notices_by_user("order.refunded", **refund, shares={str(FAN): "100.00", str(BUYER): "250.00"})
        assert notices[BUYER].entry["data"] == {"event_id": EVENT, "amount": "250.00"}
        assert notices[FAN].entry["data"] == {
            "event_id": EVENT,
            "order_id": ORDER,
            "user_id": str(FAN),
            "amount": "100.00",
        }

    def test_subject_of_a_refund_is_not_another_users_order(self) -> None:
        message = Message(
            type="order.refunded",
            source="tests",
            subject=ORDER,
            data={"order_id": ORDER, "event_id": EVENT, "user_id": str(FAN), "shares": {str(BUYER): "250.00"}},
        )
        subjects = {notice.user_id: notice.entry["subject"] for notice in notices_of(message)}
        assert subjects == {FAN: ORDER, BUYER: EVENT}


ITEM: dict[str, Any] = {
    **PARTIES,
    "purchased_item_id": str(uuid.uuid4()),
    "performer_id": str(SELLER),
    "type": "menu_item",
    "execution_mode": "QUEUED",
    "name": "A song for Mia",
    "amount": "12.00",
    "queue_position": 3,
}


class TestPurchasesFromPerformers:
    @pytest.mark.parametrize(
        ("kind", "seller", "buyer"),
        [
            ("queued", NotificationKind.ITEM_RECEIVED, NotificationKind.ITEM_QUEUED),
            ("next", None, NotificationKind.ITEM_NEXT),
            ("started", None, NotificationKind.ITEM_STARTED),
            ("success", None, NotificationKind.ITEM_COMPLETED),
            ("declined", None, NotificationKind.ITEM_DECLINED),
            ("expired", None, NotificationKind.ITEM_EXPIRED),
            ("cancelled", None, NotificationKind.ITEM_CANCELLED),
            ("failed", None, NotificationKind.ITEM_FAILED),
        ],
    )
    def test_moves_of_a_menu_item_reach_both_feeds_and_the_buyers_mailbox(
        self, kind: str, seller: NotificationKind | None, buyer: NotificationKind | None
    ) -> None:
        notices = notices_by_user(f"purchased_item.{kind}", **ITEM)
        for user_id, email in ((SELLER, seller), (BUYER, buyer)):
            assert channels_and_kinds(notices[user_id]) == ([("email", email.value)] if email else [])
            assert notices[user_id].entry["data"]["queue_position"] == 3

    @pytest.mark.parametrize("item_type", ["tip_grid_item", "menu_item", "subscription"])
    def test_what_is_delivered_at_once_brings_no_email(self, item_type: str) -> None:
        facts = ITEM | {"type": item_type, "execution_mode": "IMMEDIATE"}
        notices = notices_by_user("purchased_item.success", **facts)
        assert set(notices) == {SELLER, BUYER}
        assert all(notice.emails == () for notice in notices.values())

    @pytest.mark.parametrize(
        ("scheduled", "performed"), [({}, set()), ({"scheduled_for": "2027-01-20T10:00:00Z"}, {"success"})]
    )
    def test_queued_tip_brings_an_email_if_it_is_not_performed_and_a_scheduled_one_always(
        self, scheduled: dict[str, str], performed: set[str]
    ) -> None:
        facts = ITEM | {"type": "tip_grid_item"} | scheduled
        told = {
            kind
            for kind in ("queued", "next", "success", "cancelled", "declined", "failed", "expired")
            if channels_and_kinds(notices_by_user(f"purchased_item.{kind}", **facts)[BUYER])
        }
        assert told == {"cancelled", "declined", "failed", "expired"} | performed

    @pytest.mark.parametrize("kind", ["started", "renewed", "ending_soon", "cancelled", "ended"])
    def test_subscriber_is_told_of_each_change(self, kind: str) -> None:
        notices = notices_by_user(f"subscription.{kind}", **PARTIES, performer_id=str(SELLER), price="15.00")
        assert channels_and_kinds(notices[BUYER]) == [("email", f"subscription_{kind}")]
        assert notices[SELLER].emails == ()

    def test_performer_is_told_of_a_payout(self) -> None:
        facts = {"performer_id": str(SELLER), "seller_user_id": str(SELLER), "amount": "40.00", "items": 8}
        notices = notices_by_user("payout.completed", **facts)
        assert channels_and_kinds(notices[SELLER]) == [("email", "payout_completed")]

    @pytest.mark.parametrize("kind", ["purchased_item.queued", "purchased_item.success", "subscription.started"])
    def test_performer_does_not_learn_the_fans_id(self, kind: str) -> None:
        notices = notices_by_user(kind, **ITEM)
        assert str(BUYER) not in str(notices[SELLER].entry)
        assert "seller_user_id" not in notices[BUYER].entry["data"]

    def test_words_reach_the_other_party_only(self) -> None:
        words = {"message": "Sing it loud", "note": "Thanks", "file_url": "https://x.example", "explanation": "Late"}
        message = Message(type="purchased_item.queued", source="orders", subject="x", data=ITEM | words)
        assert words.keys() & shown(message).keys() == set()
        notices = {notice.user_id: notice for notice in notices_of(message)}
        assert all("message" not in notice.entry["data"] for notice in notices.values())
        assert notices[BUYER].entry["data"]["note"] == "Thanks"
        [(_, email)] = notices[SELLER].emails
        assert email.data["message"] == "Sing it loud"


class TestCommission:
    @pytest.mark.parametrize(
        ("what", "type_", "email"),
        [
            ("received", "ARTICLE", "commission_received"),
            ("ready", "ARTICLE", "commission_article_ready"),
            ("ready", "BACKLINK", "commission_backlink_ready"),
            ("revision_ready", "BACKLINK", "commission_revision_ready"),
            ("sent_back", "ARTICLE", "commission_sent_back"),
            ("completed", "ARTICLE", "commission_completed"),
            ("failed", "ARTICLE", "commission_failed"),
            ("refunded", "ARTICLE", "commission_refunded"),
            ("cancelled", "ARTICLE", "commission_cancelled"),
            ("submitted", "ARTICLE", None),
        ],
    )
    def test_customer_is_notified_at_each_turn(self, what: str, type_: str, email: str | None) -> None:
        notice = notices_by_user(f"commission.{what}", user_id=str(FAN), type=type_)[FAN]
        assert channels_and_kinds(notice) == ([("email", email)] if email else [])

    def test_words_of_an_admin_are_for_the_customer_only(self) -> None:
        data = {"user_id": str(FAN), "order_id": "1", "notes": "Name the band", "reason": "Refunded by us"}
        message = Message(type="commission.sent_back", source="orders", subject="1", data=data)
        [notice] = notices_of(message)
        assert notice.entry["data"] == data
        assert shown(message) == {"user_id": str(FAN), "order_id": "1"}

    @pytest.mark.parametrize(("what", "is_shown"), [("ready", False), ("refunded", False), ("completed", True)])
    def test_integrators_see_the_title_of_a_published_text_only(self, *, what: str, is_shown: bool) -> None:
        data = {"user_id": str(FAN), "title": "A night to remember"}
        message = Message(type=f"commission.{what}", source="orders", subject="1", data=data)
        assert ("title" in shown(message)) == is_shown


class TestDigitalGoods:
    @pytest.mark.parametrize(
        ("what", "email"),
        [
            ("created", None),
            ("paid", "goods_paid"),
            ("reserved", None),
            ("ready", None),
            ("fulfilled", "goods_delivered"),
            ("failed", "goods_failed"),
            ("refunded", "goods_refunded"),
            ("cancelled", "goods_cancelled"),
        ],
    )
    def test_each_move_reaches_the_buyer_and_the_admins(self, what: str, email: str | None) -> None:
        order = {"order_id": "1", "status": "PAID", "items": []}
        notices = notices_by_user(f"fulfillment.{what}", user_id=str(FAN), **order)
        assert channels_and_kinds(notices[FAN]) == ([("email", email)] if email else [])
        assert notices[FAN].entry["data"] == {"user_id": str(FAN), **order}
        assert (notices[ADMIN_FEED].entry["data"], notices[ADMIN_FEED].emails) == (order, ())

    def test_order_whose_every_item_failed_brings_the_email_of_its_refund_only(self) -> None:
        failed = notices_by_user("fulfillment.failed", user_id=str(FAN), order_id="1", code="GOODS_FAILED")
        assert failed[FAN].emails == ()

    @pytest.mark.parametrize(
        ("what", "facts", "email"),
        [
            ("partially_paid", {"status": "PARTIALLY_PAID"}, "payment_part_arrived"),
            ("confirmed", {"status": "SUCCEEDED"}, None),
            ("failed", {"status": "FAILED"}, "payment_failed"),
            ("failed", {"status": "EXPIRED"}, None),
            ("confirmed", {"status": "SUCCEEDED", "closed_at": "2027-01-01T00:00:00Z"}, "payment_late"),
            ("failed", {"status": "FAILED", "closed_at": "2027-01-01T00:00:00Z"}, None),
            ("refunded", {"status": "REFUNDED", "closed_at": "2027-01-01T00:00:00Z"}, "payment_refunded"),
        ],
    )
    def test_payment_of_an_order_brings_an_email_only_if_the_order_brings_none(
        self, what: str, facts: dict[str, str], email: str | None
    ) -> None:
        notice = notices_by_user(f"payment.{what}", user_id=str(FAN), purpose="digital_order", **facts)[FAN]
        assert channels_and_kinds(notice) == ([("email", email)] if email else [])

    def test_admins_see_the_ends_of_fulfilment_jobs_and_webhooks(self) -> None:
        job = {"job_id": "7", "kind": "fulfillment", "lane": "1", "duration_seconds": 0.2}
        failure = {"error": "The supplier does not respond.", "error_code": "SERVICE_UNAVAILABLE", "attempts": 6}
        [ended] = notices_by_user("job.failed", **job, **failure).values()
        facts = {"job_id": "7", "kind": "fulfillment", "order_id": "1", "duration_seconds": 0.2}
        assert ended.user_id == ADMIN_FEED
        assert ended.entry["type"] == "job_failed"
        assert ended.entry["data"] == facts | {"error": "The supplier does not respond."}
        assert notices_by_user("job.failed", **job | {"kind": "email"}) == {}
        received = {"webhook_id": "3", "provider": "kinguin", "event_type": "ready"}
        assert notices_by_user("webhook.received", **received)[ADMIN_FEED].entry["data"] == received

    def test_requester_of_a_job_sees_neither_its_lane_nor_its_error(self) -> None:
        entry = notices_by_user("job.failed", user_id=str(FAN), kind="bulk", lane="x", error="Oh", duration_seconds=1)[
            FAN
        ].entry
        assert entry["data"] == {"user_id": str(FAN), "kind": "bulk"}
