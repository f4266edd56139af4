"""Emails state the facts and contain no injected content."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

import pytest

from orchestrator.clients.orders.commissions import CommissionType
from orchestrator.clients.users.directory import UserFacts
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer
from orchestrator.features.notifications.models.notifications import (
    CommissionDetails,
    GoodsDetails,
    NotificationContext,
    NotificationKind,
    NotificationRequest,
    Place,
    PurchaseFacts,
    SeatLine,
)
from orchestrator.features.notifications.service.context_loader import ContextLoader
from orchestrator.features.notifications.service.email_builder import EmailBuilder
from orchestrator.features.notifications.service.purchase_loader import PurchaseLoader
from orchestrator.features.purchased_items.saga.steps import EXPLANATIONS, UNEXPLAINED

RENDERER = TemplateRenderer(public_url="https://shop.example", codes_kept_days=30.0)
SEATS = (
    SeatLine(seat_id=uuid.uuid4(), category="CAT1", row_number="A", seat_number=1),
    SeatLine(seat_id=uuid.uuid4(), category="CAT1", row_number="A", seat_number=2),
)


def purchase(**changes: Any) -> PurchaseFacts:
    own: dict[str, Any] = {
        "performer": "Nova",
        "name": "A song for Mia",
        "message": "Sing it loud",
        "note": "Thank you",
        "queue_position": 3,
        "estimated_wait_minutes": 25,
        "ends_at": datetime(2027, 4, 1, 16, 30, tzinfo=UTC),
        "items": 2,
    }
    return PurchaseFacts(**own | changes)


COMMISSION = CommissionDetails(
    order_id=uuid.UUID(int=7),
    type=CommissionType.ARTICLE,
    title="A night to remember",
    notes="Name the band",
    reason="The text generator did not respond.",
    slug="a-night-to-remember",
)


GOODS = GoodsDetails.model_validate(
    {
        "order_id": uuid.UUID(int=8),
        "items": [*[{"name": "Star Racer", "status": "delivered"}] * 2, {"name": "Moon Farm", "status": "failed"}],
        "refunded": "15.00",
        "reason": "Our supplier has closed.",
        "code": "PAYMENT_EXPIRED",
    }
)


def email_context(**changes: Any) -> NotificationContext:
    place = Place(
        event_name=changes.pop("event_name", "Night of Strings"),
        venue_name="Indoor Stadium",
        venue_address="2 Stadium Walk",
        hall_id="HALL-A",
        event_date=datetime(2027, 3, 20, 12, 0, tzinfo=UTC),
    )
    own: dict[str, Any] = {
        "reader": "Ann",
        "address": "ann@example.com",
        "place": place,
        "purchase": purchase(),
        "seats": SEATS,
        "amount": Decimal("700.00"),
        "other": "Ben",
        "party": "buyer",
        "expires_at": datetime(2027, 3, 1, 9, 30, tzinfo=UTC),
        "previous_date": datetime(2027, 2, 20, 12, 0, tzinfo=UTC),
        "refundable_until": datetime(2027, 3, 6, 9, 30, tzinfo=UTC),
        "reference": "0d9f2f0e",
    }
    return NotificationContext(**own | changes)


def email_of(kind: NotificationKind, **changes: Any) -> EmailMessage:
    builder = EmailBuilder(sender="Tickets <tickets@shop.example>", reply_to="help@shop.example", renderer=RENDERER)
    mail = builder.build(kind, email_context(**changes), email_id=uuid.UUID(int=1), sent_at=datetime.now(UTC))
    return message_from_bytes(mail.as_bytes(), policy=modern)  # as the recipient's program parses it


@pytest.mark.parametrize("kind", NotificationKind)
def test_every_kind_can_be_written(kind: NotificationKind) -> None:
    about = {"goods": GOODS} if kind.is_about_goods else {"commission": COMMISSION}
    email = RENDERER.render(kind, email_context(**about))
    assert email.subject
    for page in (email.text, email.html):
        assert "Ann" in page
        assert "Night of Strings" in page
        assert "700.00 credits" in page
    assert "{{" not in email.text + email.html


def test_new_date_is_told_with_the_old_one_and_the_end_of_refunds() -> None:
    text = RENDERER.render(NotificationKind.EVENT_RESCHEDULED, email_context()).text
    for moment in ("Saturday, 20 February 2027, 20:00", "Saturday, 20 March 2027, 20:00", "on 06 March 2027"):
        assert moment in text
    assert "its face value" in text
    assert "must be withdrawn from sale first" in text
    assert (
        "return" not in RENDERER.render(NotificationKind.EVENT_RESCHEDULED, email_context(refundable_until=None)).text
    )


@pytest.mark.parametrize("kind", [kind for kind in NotificationKind if kind.value.startswith("payment")])
def test_payment_email_needs_no_event(kind: NotificationKind) -> None:
    assert RENDERER.render(kind, email_context(place=None, seats=(), party="", other="")).subject


def test_times_are_those_of_the_venue() -> None:
    place = Place(
        event_name="Gala",
        venue_name="V",
        venue_address="A",
        hall_id="H",
        time_zone="America/New_York",
        event_date=datetime(2027, 3, 1, 1, 0, tzinfo=UTC),
    )
    email = RENDERER.render(NotificationKind.TICKETS_BOUGHT, email_context(place=place))
    for page in (email.text, email.html):
        assert "Sunday, 28 February 2027, 20:00 EST" in page
    sms = RENDERER.render_text_message(NotificationKind.EVENT_CANCELLED, email_context(place=place))
    assert "Gala on 28 Feb 2027 is CANCELLED" in sms


def test_partial_refund_email_names_the_refunded_amount() -> None:
    email = RENDERER.render(NotificationKind.PAYMENT_PARTIALLY_REFUNDED, email_context(refunded=Decimal("12.5")))
    assert "So far 12.50 of it went back" in email.text


def test_transfer_email_addresses_each_party() -> None:
    seller = RENDERER.render(NotificationKind.TRANSFER_PENDING, email_context(party="seller"))
    buyer = RENDERER.render(NotificationKind.TRANSFER_PENDING, email_context(party="buyer"))
    assert "Your ticket is to go to Ben" in seller.text
    assert "A ticket is to come to you from Ben" in buyer.text
    assert "17:30 Asia/Singapore (UTC+8) on 01 March" in buyer.text


class Services:
    """Users by id, and a seat."""

    def __init__(self, names: Mapping[uuid.UUID, str]) -> None:
        self.names = names

    async def find(self, user_id: uuid.UUID) -> UserFacts:
        return UserFacts(
            user_id=user_id, email="a@example.com", name=self.names[user_id], assigned_hall_id=None, is_verified=True
        )

    async def get(self, _: str) -> Mapping[str, Any]:
        return SEATS[0].model_dump()


@pytest.mark.parametrize(("deal", "other"), [("transfer_id", "Ben"), ("listing_id", "")])
async def test_only_the_parties_of_a_transfer_learn_each_others_name(deal: str, other: str) -> None:
    seller, buyer = uuid.uuid4(), uuid.uuid4()
    services: Any = Services({seller: "Ann", buyer: "Ben"})
    data = {deal: str(uuid.uuid4()), "seller_user_id": str(seller), "buyer_user_id": str(buyer)}
    request = NotificationRequest(kind=NotificationKind.SALE_PENDING, user_id=seller, data=data)
    purchases = PurchaseLoader(services)
    loader = ContextLoader(users=services, events=services, purchases=purchases, orders_http=services)
    facts = await loader.load(request)
    assert (facts.reader, facts.other) == ("Ann", other)


def purchase_email(kind: NotificationKind, **changes: Any) -> str:
    """Return the text of an email about a purchase from a performer, which has no event."""
    context = email_context(place=None, seats=(), other="Ben", link=changes.pop("link", ""))
    return RENDERER.render(kind, context.model_copy(update={"purchase": purchase(**changes)})).text


class TestPurchases:
    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            (NotificationKind.ITEM_QUEUED, ("place is number 3", "about 25 minutes", "Nova", "You can cancel")),
            (NotificationKind.ITEM_RECEIVED, ("Ben writes: Sing it loud", "at place 3")),
            (NotificationKind.ITEM_NEXT, ("Nova will perform your request next",)),
            (NotificationKind.ITEM_STARTED, ("no longer be cancelled",)),
            (NotificationKind.ITEM_COMPLETED, ("Nova writes: Thank you",)),
            (NotificationKind.SUBSCRIPTION_STARTED, ("01 April 2027, 16:30 UTC", "renews")),
            (NotificationKind.SUBSCRIPTION_RENEWED, ("01 April 2027, 16:30 UTC",)),
            (NotificationKind.SUBSCRIPTION_ENDING_SOON, ("01 April 2027 at 16:30 UTC", "700.00 credits")),
            (NotificationKind.SUBSCRIPTION_CANCELLED, ("You keep access until 01 April 2027",)),
            (NotificationKind.PAYOUT_COMPLETED, ("2 purchases were paid out", "700.00 credits")),
        ],
    )
    def test_each_email_tells_its_facts(self, kind: NotificationKind, told: tuple[str, ...]) -> None:
        text = purchase_email(kind, time_zone="UTC")
        for part in told:
            assert part in text

    def test_words_and_file_are_told_only_if_there_are_any(self) -> None:
        assert "writes" not in purchase_email(NotificationKind.ITEM_COMPLETED, note="")
        assert "writes" not in purchase_email(NotificationKind.ITEM_RECEIVED, message="")
        assert "The reason" not in purchase_email(NotificationKind.ITEM_DECLINED)
        declined = purchase_email(NotificationKind.ITEM_DECLINED, explanation="My voice is gone")
        assert "The reason: My voice is gone" in declined
        url = "https://files.example/song.mp3"
        assert url in purchase_email(NotificationKind.ITEM_COMPLETED, link=url)

    @pytest.mark.parametrize(
        "kind",
        [
            NotificationKind.ITEM_CANCELLED,
            NotificationKind.ITEM_DECLINED,
            NotificationKind.ITEM_EXPIRED,
            NotificationKind.ITEM_FAILED,
        ],
    )
    def test_refund_is_told_apart_from_no_charge(self, kind: NotificationKind) -> None:
        assert "back in your wallet" in purchase_email(kind, is_refunded=True)
        assert "You were not charged" in purchase_email(kind, is_refunded=False)

    @pytest.mark.parametrize("explanation", [*filter(None, EXPLANATIONS.values()), UNEXPLAINED])
    def test_failure_is_explained(self, explanation: str) -> None:
        assert explanation in purchase_email(NotificationKind.ITEM_FAILED, explanation=explanation)

    def test_too_few_credits_are_named_as_the_end_of_a_subscription(self) -> None:
        ended = NotificationKind.SUBSCRIPTION_ENDED
        assert "too few credits" in purchase_email(ended, reason="INSUFFICIENT_CREDITS")
        other = purchase_email(ended, reason="SERVICE_UNAVAILABLE")
        assert "too few credits" not in other
        assert "SERVICE_UNAVAILABLE" not in other

    @pytest.mark.parametrize("words", ["ありがとう", "👩‍👩‍👧 danke", "שלום עולם", "{{ 7 * 7 }}", "<b>bold</b>"])
    def test_words_in_every_script_arrive_unchanged(self, words: str) -> None:
        context = email_context(place=None).model_copy(update={"purchase": purchase(note=words, name=words)})
        builder = EmailBuilder(sender="tickets@shop.example", reply_to="", renderer=RENDERER)
        email_id, kind = uuid.UUID(int=1), NotificationKind.ITEM_COMPLETED
        mail = builder.build(kind, context, email_id=email_id, sent_at=datetime.now(UTC))
        parsed = message_from_bytes(mail.as_bytes(), policy=modern)
        text, page = (parsed.get_body((form,)) for form in ("plain", "html"))
        assert text is not None
        assert page is not None
        assert f"Nova writes: {words}" in text.get_content()
        assert words in parsed["Subject"]
        assert "<b>bold</b>" not in page.get_content()


class TestTickets:
    def test_email_links_each_ticket_and_attaches_its_seat_map(self) -> None:
        mail = email_of(NotificationKind.TICKETS_BOUGHT)
        text = mail.get_body(("plain",))
        assert text is not None
        for seat in SEATS:
            assert f"https://shop.example/#/tickets/{seat.seat_id}" in text.get_content()
        pictures = [*mail.iter_attachments()]
        assert [picture.get_filename() for picture in pictures] == ["ticket-A-1.png", "ticket-A-2.png"]
        assert all(bytes(picture.get_payload(decode=True)).startswith(b"\x89PNG") for picture in pictures)

    @pytest.mark.parametrize("kind", [NotificationKind.ORDER_REFUNDED, NotificationKind.TRANSFER_COMPLETED])
    def test_email_to_a_former_holder_has_no_ticket(self, kind: NotificationKind) -> None:
        assert not [*email_of(kind).iter_attachments()]
        assert "/#/tickets/" not in RENDERER.render(kind, email_context()).text


class TestHeaders:
    def test_sender_and_reply_address_are_set(self) -> None:
        mail = email_of(NotificationKind.TICKETS_BOUGHT)
        assert mail["From"] == "Tickets <tickets@shop.example>"
        assert mail["Reply-To"] == "help@shop.example"
        assert mail["To"] == "Ann <ann@example.com>"
        assert mail["Auto-Submitted"] == "auto-generated"

    def test_resent_email_has_the_same_message_id(self) -> None:
        first, again = email_of(NotificationKind.TICKETS_BOUGHT), email_of(NotificationKind.TICKETS_BOUGHT)
        assert first["Message-ID"] == again["Message-ID"] == f"<{uuid.UUID(int=1)}@shop.example>"


class TestInjection:
    @pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85"])
    def test_no_header_can_be_added(self, line_break: str) -> None:
        evil = f"Gala{line_break}Bcc: all@example.com{line_break}{line_break}<p>Body"
        mail = email_of(NotificationKind.TICKETS_BOUGHT, event_name=evil, reader=evil)
        assert mail["Bcc"] is None
        assert mail["Subject"] == "Your tickets for Gala Bcc: all@example.com <p>Body"
        assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.com"]

    def test_html_is_escaped_and_text_is_not(self) -> None:
        email = RENDERER.render(
            NotificationKind.TICKET_RECEIVED, email_context(other="<script>alert(1)</script>", reader="A & B")
        )
        assert "<script>" not in email.html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in email.html
        assert "A &amp; B" in email.html
        assert "<script>alert(1)</script>" in email.text

    @pytest.mark.parametrize("evil", ["{{ 7 * 7 }}", "{% include 'layout.txt' %}", "{# gone #}"])
    def test_user_text_is_not_rendered_as_a_template(self, evil: str) -> None:
        email = RENDERER.render(NotificationKind.TICKET_RECEIVED, email_context(other=evil, event_name=evil))
        assert evil in email.subject
        assert evil in email.text

    def test_no_paragraph_can_be_added(self) -> None:
        email = RENDERER.render(NotificationKind.TICKET_RECEIVED, email_context(other="Ben\n\nYou won. Call 123"))
        assert "Ben You won. Call 123 has handed a ticket over" in email.text

    def test_display_name_cannot_become_an_address(self) -> None:
        mail = email_of(NotificationKind.TICKETS_BOUGHT, reader='"Ann" <evil@example.com>, other@example.com')
        assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.com"]


def test_text_message_is_short() -> None:
    sms = RENDERER.render_text_message(NotificationKind.EVENT_CANCELLED, email_context(event_name="N" * 1_000))
    assert len(sms) == 320
    sms = RENDERER.render_text_message(NotificationKind.EVENT_CANCELLED, email_context())
    assert sms.startswith("TicketRemaster: Night of Strings on 20 Mar 2027 is CANCELLED.")


class TestCommission:
    @pytest.mark.parametrize("kind", [kind for kind in NotificationKind if kind.is_about_commission])
    def test_email_leads_to_the_page_of_the_order(self, kind: NotificationKind) -> None:
        email = RENDERER.render(kind, email_context(commission=COMMISSION))
        assert f"https://shop.example/order-status/{COMMISSION.order_id}" in email.text
        assert f'href="https://shop.example/order-status/{COMMISSION.order_id}"' in email.html

    @pytest.mark.parametrize(
        ("kind", "told"),
        [
            (NotificationKind.COMMISSION_ARTICLE_READY, ("Your article is ready: A night to remember",)),
            (NotificationKind.COMMISSION_SENT_BACK, ("Our editors' notes: Name the band",)),
            (NotificationKind.COMMISSION_COMPLETED, ("https://shop.example/articles/a-night-to-remember",)),
            (NotificationKind.COMMISSION_FAILED, (COMMISSION.reason, "stay in escrow", "You need not do anything")),
            (NotificationKind.COMMISSION_REFUNDED, (COMMISSION.reason, "Your credits are back in your wallet")),
            (NotificationKind.COMMISSION_CANCELLED, (COMMISSION.reason, "nothing was charged")),
        ],
    )
    def test_each_email_tells_its_facts(self, kind: NotificationKind, told: tuple[str, ...]) -> None:
        email = RENDERER.render(kind, email_context(commission=COMMISSION))
        for part in told:
            assert part in email.subject + email.text


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (NotificationKind.GOODS_PAID, "supplier now: Star Racer (2), Moon Farm. You get an email"),
        (NotificationKind.GOODS_DELIVERED, "could not deliver Moon Farm. 15.00 credits are back in your wallet."),
        (NotificationKind.GOODS_FAILED, "Our supplier has closed."),
        (NotificationKind.GOODS_REFUNDED, "Our supplier has closed. 15.00 credits are back in your wallet."),
        (NotificationKind.GOODS_DELIVERED, "Codes are deleted 30 days after you"),
        (NotificationKind.GOODS_CANCELLED, "A late payment goes to your wallet"),
    ],
)
def test_email_about_goods_tells_its_facts_and_leads_to_the_order(kind: NotificationKind, told: str) -> None:
    email = RENDERER.render(kind, email_context(goods=GOODS))
    assert told in " ".join(email.text.split())
    assert f'href="https://shop.example/#/digital-orders/{GOODS.order_id}"' in email.html


def test_order_whose_payment_a_debt_took_promises_nothing_of_a_late_payment() -> None:
    taken = GOODS.model_copy(update={"code": "INSUFFICIENT_CREDITS"})
    assert "late" not in RENDERER.render(NotificationKind.GOODS_CANCELLED, email_context(goods=taken)).text


def test_payment_of_an_ended_order_names_the_credits_that_it_became() -> None:
    text = RENDERER.render(NotificationKind.PAYMENT_LATE, email_context(place=None, amount=Decimal(27))).text
    assert "Your order had ended: 27.00 credits are in your wallet." in " ".join(text.split())


def test_whole_delivery_mentions_no_failed_item() -> None:
    whole = GOODS.model_copy(update={"items": GOODS.items[:1]})
    email = RENDERER.render(NotificationKind.GOODS_DELIVERED, email_context(goods=whole))
    assert email.subject == "Your codes are here"
    assert "could not" not in email.text
