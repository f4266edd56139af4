"""The number of statements per call of a purchase, so that it does not grow. No server runs here: its relay would count."""

import uuid
from decimal import Decimal

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.support.statements import counted_statements
from users.accounts.repository import AccountRepository, NewUser
from users.earnings.repository import EarningsRepository
from users.earnings.service import EarningsService
from users.email_links.repository import EmailLinkRepository
from users.email_links.service import EmailLinkService, LinkLimits
from users.email_links.tokens import LinkTokens
from users.ledger.repository import LedgerRepository
from users.ledger.schemas import Currency
from users.ledger.service import Ledger
from users.limits.repository import AttemptsRepository
from users.limits.service import AttemptLimits, Limit
from users.payments.repository import PaymentRepository
from users.payments.schemas import AttachPayment, OpenPayment, ProviderReport
from users.payments.status import PaymentStatus

PROOF = text(
    "INSERT INTO otp_challenges (user_id, context, reference, verified_at) VALUES (:fan, 'purchase', 'order', now())"
)


@pytest.fixture
def ledger_service(database: Database) -> Ledger:
    return Ledger(LedgerRepository(database))


async def _new_user(database: Database) -> uuid.UUID:
    user_id = uuid.uuid4()
    new = NewUser(
        user_id=user_id,
        email=f"{user_id}@example.com",
        phone="+6590000000",
        password_hash="!",
        roles=["customer", "performer"],
    )
    assert await AccountRepository(database).add(new)
    return user_id


@pytest.fixture
async def other(database: Database) -> uuid.UUID:
    return await _new_user(database)


@pytest.fixture
async def fan(database: Database, ledger_service: Ledger) -> uuid.UUID:
    user_id = await _new_user(database)
    await ledger_service.top_up(
        request_id=uuid.uuid4(), user_id=user_id, provider="test", amount=Decimal("100.00"), reference=""
    )
    return user_id


async def test_deduct_and_its_repetition_are_one_statement_each(ledger_service: Ledger, fan: uuid.UUID) -> None:
    request_id = uuid.uuid4()
    for _ in range(2):
        with counted_statements() as count:
            await ledger_service.charge(
                request_id=request_id, user_id=fan, event_id=uuid.UUID(int=1), amount=Decimal(30), reference=""
            )
        assert int(count) == 1


async def test_refused_deduct_is_three_statements_and_its_repetition_one(
    ledger_service: Ledger, fan: uuid.UUID
) -> None:
    """Attempt, find the reason, store the response."""
    request_id, counts = uuid.uuid4(), []
    for _ in range(2):
        with counted_statements() as count, pytest.raises(Exception, match="INSUFFICIENT_CREDITS"):
            await ledger_service.charge(
                request_id=request_id, user_id=fan, event_id=uuid.UUID(int=1), amount=Decimal(101), reference=""
            )
        counts.append(int(count))
    assert counts == [3, 1]


async def test_flagged_user_costs_no_extra_statement(
    database: Database, ledger_service: Ledger, fan: uuid.UUID
) -> None:
    """Attempt, store the response; with the verification one statement."""
    await database.execute(text("UPDATE users SET is_flagged = true WHERE user_id = :fan"), {"fan": fan})

    async def pay() -> None:
        await ledger_service.charge(
            request_id=uuid.uuid4(), user_id=fan, event_id=uuid.UUID(int=1), amount=Decimal(30), reference="order"
        )

    with counted_statements() as count, pytest.raises(Exception, match="OTP_REQUIRED"):
        await pay()
    assert int(count) == 2
    await database.execute(PROOF, {"fan": fan})
    with counted_statements() as count:
        await pay()
    assert int(count) == 1


async def test_forgotten_password_costs_the_same_whether_an_account_has_the_address_or_not(
    database: Database, fan: uuid.UUID
) -> None:
    """Count, store the link, store its message."""
    hour = 3_600
    links = EmailLinkService(
        repository=EmailLinkRepository(database),
        tokens=LinkTokens(b"key"),
        limits=AttemptLimits(AttemptsRepository(database)),
        links=LinkLimits(Limit("mailbox", 5, hour), Limit("address", 5, hour)),
        wake_relay=lambda: None,
    )
    for email in (f"{fan}@example.com", "nobody@example.com"):
        with counted_statements() as count:
            await links.request_reset(email=email, address="192.0.2.1")
        assert int(count) == 3


async def test_refund_is_two_statements(ledger_service: Ledger, fan: uuid.UUID) -> None:
    request_id = uuid.uuid4()
    await ledger_service.charge(
        request_id=request_id, user_id=fan, event_id=uuid.UUID(int=1), amount=Decimal(30), reference=""
    )
    with counted_statements() as count:
        await ledger_service.refund(request_id=uuid.uuid4(), undoes_request_id=request_id, reason="")
    assert int(count) == 2


async def test_shared_refund_is_two_statements_and_clawback_one(
    ledger_service: Ledger, fan: uuid.UUID, other: uuid.UUID
) -> None:
    request_id = uuid.uuid4()
    await ledger_service.charge(
        request_id=request_id, user_id=fan, event_id=uuid.UUID(int=1), amount=Decimal(30), reference=""
    )
    with counted_statements() as count:
        await ledger_service.refund(
            request_id=uuid.uuid4(), undoes_request_id=request_id, reason="", recipients={other: Decimal(30)}
        )
    assert int(count) == 2
    with counted_statements() as count:
        await ledger_service.claw_back(
            request_id=uuid.uuid4(), from_user_id=other, to_user_id=fan, amount=Decimal(40), reference=""
        )
    assert int(count) == 1


@pytest.mark.parametrize("is_batched", [False, True])
async def test_tip_is_two_statements_and_a_payout_one(
    database: Database, ledger_service: Ledger, fan: uuid.UUID, other: uuid.UUID, *, is_batched: bool
) -> None:
    """Hold the credits, pay the performer."""
    earnings = EarningsService(EarningsRepository(database), LedgerRepository(database))
    with counted_statements() as count:
        hold = await ledger_service.hold_escrow(
            request_id=uuid.uuid4(), user_id=fan, amount=Decimal(30), reference="", purpose="tip_grid_item"
        )
        assert hold.escrow_id is not None
        await earnings.pay(
            request_id=uuid.uuid4(),
            escrow_id=hold.escrow_id,
            performer_user_id=other,
            item_id=uuid.uuid4(),
            is_batched=is_batched,
            bonus_points=5,
        )
    assert int(count) == 2
    with counted_statements() as count:
        await earnings.pay_out(request_id=uuid.uuid4(), performer_user_id=other)
    assert int(count) == 1


async def test_balance_is_one_statement(ledger_service: Ledger, fan: uuid.UUID) -> None:
    with counted_statements() as count:
        assert (await ledger_service.wallet_of(fan)).balance == Decimal("100.00")
    assert int(count) == 1


async def test_hundred_users_are_looked_up_in_one_statement(database: Database, fan: uuid.UUID) -> None:
    with counted_statements() as count:
        await AccountRepository(database).by_ids([fan, *(uuid.uuid4() for _ in range(99))])
    assert int(count) == 1


async def test_statement_page_is_one_statement(ledger_service: Ledger, fan: uuid.UUID) -> None:
    with counted_statements() as count:
        page = await ledger_service.account_statement(fan, currency=Currency.SGD, after=None, limit=20)
    assert (int(count), len(page.entries)) == (1, 1)


async def test_credited_report_is_six_statements_and_an_ignored_one_three(database: Database, fan: uuid.UUID) -> None:
    """Lock, look up, credit, update, announce, store; the second has nothing to credit, update or announce."""
    payments, opening = PaymentRepository(database), OpenPayment(
        request_id=uuid.uuid4(), payment_id=uuid.uuid4(), user_id=fan, provider="stripe", purpose="topup",
        reference="", amount=Decimal(5), currency="sgd",
    )  # fmt: skip
    await payments.open(opening)
    name = str(opening.payment_id)
    await payments.attach(opening.payment_id, AttachPayment(request_id=uuid.uuid4(), provider_payment_id=name))
    counts = []
    for _ in range(2):
        report = ProviderReport(
            request_id=uuid.uuid4(), provider="stripe", provider_payment_id=name, status=PaymentStatus.SUCCEEDED,
            amount=Decimal(5), currency="sgd",
        )  # fmt: skip
        with counted_statements() as count:
            await payments.report(report)
        counts.append(int(count))
    assert counts == [6, 3]
