"""The ledger against a small model: any movements in any order, each possibly repeated, late or undone."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from common.errors import ServiceError
from tests.integration.users.statement_pages import whole_statement
from tests.integration.users.user_client import LedgerCaller
from tests.support.timeouts import ANSWER_SECONDS
from users.ledger.repository import Movement
from users.ledger.schemas import ClawedBack, DebtReduced
from users.ledger.service import Ledger

USERS = 3
REVENUE = uuid.UUID(int=1)

Result = TypeVar("Result")
Call = Callable[[], Awaitable[Movement | ClawedBack | DebtReduced]]
CENT = Decimal("0.01")
# Few amounts and small wallets, so that balances often reach exactly zero.
AMOUNTS = tuple(map(Decimal, ("0.00", "0.01", "7.50", "10.00", "15.00")))
OPENING = Decimal("15.00")
amounts = st.sampled_from(AMOUNTS)
kinds = st.sampled_from(["charge", "transfer", "hold"])
users = st.integers(min_value=0, max_value=USERS - 1)


@dataclass
class Action:
    """A request, sent or not: who pays whom, and its outcome."""

    request_id: uuid.UUID
    kind: str  # charge, transfer or hold
    payer: int
    payee: int | None
    amount: Decimal
    state: str = "new"  # then done, refused, undone, released, refunded in parts, or withdrawn before it arrived
    answer: object = None
    refunded: Decimal = Decimal(0)
    collected: Decimal = Decimal(0)  # from a transfer's credit

    @property
    def escrow_id(self) -> uuid.UUID | None:
        return self.answer.escrow_id if isinstance(self.answer, Movement) else None


@dataclass
class Model:
    wallets: list[Decimal] = field(default_factory=lambda: [OPENING] * USERS)
    escrows: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * USERS)
    owed: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * USERS)

    def credit(self, user: int, amount: Decimal) -> Decimal:
        """Credit a wallet, what is owed first; return what that collected."""
        collected = min(amount, self.owed[user])
        self.owed[user] -= collected
        self.wallets[user] += amount - collected
        return collected


class LedgerMachine(RuleBasedStateMachine):
    """Rules run in a thread of their own, the ledger in the test's loop. The test sets the three attributes below."""

    loop: asyncio.AbstractEventLoop
    ledger_service: Ledger
    ledger: LedgerCaller

    actions = Bundle("actions")
    transfers = Bundle("transfers")
    answers = Bundle("answers")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.users: list[uuid.UUID] = []

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=ANSWER_SECONDS)

    def outcome(self, call: Call) -> object:
        """Return the result of a call: the movement, or the code of the refusal."""

        async def run() -> object:
            try:
                return await call()
            except ServiceError as error:
                return error.code

        return self.wait(run())

    @initialize()
    def open_wallets(self) -> None:
        self.users = [self.wait(self.ledger.open_wallet(str(OPENING))) for _ in range(USERS)]

    @rule(target=answers, user=users, amount=amounts.filter(bool))
    def top_up(self, user: int, amount: Decimal) -> tuple[Call, object]:
        request_id = uuid.uuid4()

        def call() -> Awaitable[Movement]:
            return self.ledger_service.top_up(
                request_id=request_id, user_id=self.users[user], provider="model", amount=amount, reference=""
            )

        self.model.credit(user, amount)
        return call, self.outcome(call)

    @rule(target=answers, user=users, amount=amounts.filter(bool), is_debit=st.booleans())
    def adjust(self, user: int, amount: Decimal, is_debit: bool) -> object:  # noqa: FBT001 - hypothesis
        request_id, change = uuid.uuid4(), -amount if is_debit else amount

        def call() -> Awaitable[Movement]:
            return self.ledger_service.adjust(
                request_id=request_id,
                user_id=self.users[user],
                amount=change,
                reason="a correction",
                made_by_user_id=self.users[0],
                address="203.0.113.7",
            )

        outcome = self.outcome(call)
        if is_debit and amount > self.model.wallets[user]:
            assert outcome == "INSUFFICIENT_CREDITS"
        elif is_debit:
            self.model.wallets[user] -= amount
        else:
            self.model.credit(user, amount)
        return _repeatable(call, outcome)

    @rule(target=answers, user=users, amount=st.none() | amounts.filter(bool), is_settled=st.booleans())
    def reduce_debt(self, user: int, amount: Decimal | None, is_settled: bool) -> object:  # noqa: FBT001
        request_id = uuid.uuid4()
        reduce = self.ledger_service.settle_debt if is_settled else self.ledger_service.write_off_debt

        def call() -> Awaitable[DebtReduced]:
            return reduce(
                request_id=request_id,
                user_id=self.users[user],
                amount=amount,
                reason="paid at the counter",
                made_by_user_id=self.users[0],
                address="203.0.113.7",
            )

        outcome = self.outcome(call)
        reduction = self.model.owed[user] if amount is None else amount
        if self.model.owed[user] and reduction <= self.model.owed[user]:
            self.model.owed[user] -= reduction
            assert isinstance(outcome, DebtReduced)
            assert (outcome.amount, outcome.owed) == (reduction, self.model.owed[user])
        else:
            assert outcome == "OWES_LESS"
        return _repeatable(call, outcome)

    @rule(target=actions, kind=kinds, payer=users, other=users, amount=amounts)
    def request(self, kind: str, payer: int, other: int, amount: Decimal) -> Action:
        """Send a request for the first time."""
        action = self._plan(kind, payer, other, amount)
        self.act(action)
        return action

    @rule(targets=(actions, transfers), payer=users, other=users, amount=amounts)
    def transfer(self, payer: int, other: int, amount: Decimal) -> Action:
        action = self._plan("transfer", payer, other, amount)
        self.act(action)
        return action

    @rule(target=actions, user=users)
    def spend_everything(self, user: int) -> Action:
        action = self._plan("charge", user, user, self.model.wallets[user])
        self.act(action)
        return action

    @rule(action=transfers)
    def undo_a_transfer(self, action: Action) -> None:
        """The undo fails while the recipient has spent the credits."""
        self.undo(action)

    @rule(target=actions, kind=kinds, payer=users, other=users, amount=amounts)
    def undo_beforehand(self, kind: str, payer: int, other: int, amount: Decimal) -> Action:
        """Undo a request that was never received. It may still arrive."""
        action = self._plan(kind, payer, other, amount)
        self.undo(action)
        return action

    @rule(action=actions)
    def act(self, action: Action) -> None:
        """Send a request: for the first time, again, or after its undo."""
        outcome = self.outcome(lambda: self._call(action))
        if action.state == "new":
            action.state = "done" if action.amount <= self.model.wallets[action.payer] else "refused"
            action.answer = outcome
            if action.state == "done":
                self._do(action)
        if action.state == "withdrawn":
            assert outcome == "REQUEST_UNDONE"
        else:
            assert outcome == action.answer
            assert isinstance(outcome, Movement) == (action.state != "refused")

    @rule(action=actions)
    def undo(self, action: Action) -> None:
        """Undo a request: done, refused, undone before, or never sent."""
        outcome = self.outcome(lambda: self._undo(action))
        match action.state:
            case "new":
                action.state = "withdrawn"
                assert isinstance(outcome, Movement)
                assert outcome.transaction_id is None
            case "done" if self._payee_has(action):
                action.state = "undone"
                self._take_back(action)
                assert isinstance(outcome, Movement)
            case "done":
                assert outcome == "INSUFFICIENT_CREDITS"
            case "released":
                assert outcome == "ESCROW_ALREADY_RESOLVED"
            case "refunded in parts":
                assert outcome == "UNDO_MISMATCH"
            case _:
                assert isinstance(outcome, Movement)

    @rule(target=answers, action=actions, first=users, second=users)
    def refund_to(self, action: Action, first: int, second: int) -> object:
        """Undo a charge in favour of one or two users: once, even after other undos."""
        if action.kind != "charge" or action.state == "new":
            return multiple()
        request_id, half = uuid.uuid4(), (action.amount / 2).quantize(CENT)
        shares = {self.users[first]: half}
        shares[self.users[second]] = shares.get(self.users[second], Decimal(0)) + action.amount - half

        def call() -> Awaitable[Movement]:
            return self.ledger_service.refund(
                request_id=request_id, undoes_request_id=action.request_id, reason="", recipients=shares
            )

        outcome = self.outcome(call)
        if action.state == "done":
            action.state = "undone"
            self.model.credit(first, half)
            self.model.credit(second, action.amount - half)
        assert isinstance(outcome, Movement) == (action.state != "refunded in parts")
        return call, outcome

    @rule(target=answers, action=actions, to=users, amount=amounts)
    def refund_part(self, action: Action, to: int, amount: Decimal) -> object:
        if action.kind != "charge" or action.state == "new":
            return multiple()
        request_id = uuid.uuid4()

        def call() -> Awaitable[Movement]:
            return self.ledger_service.refund_part(
                request_id=request_id, charge_request_id=action.request_id, reason="", shares={self.users[to]: amount}
            )

        outcome = self.outcome(call)
        if action.state in {"done", "refunded in parts"} and action.refunded + amount <= action.amount:
            action.state = "refunded in parts"
            action.refunded += amount
            self.model.credit(to, amount)
            assert isinstance(outcome, Movement)
        else:
            assert outcome == "UNDO_MISMATCH"
        return call, outcome

    @rule(target=answers, debtor=users, creditor=users, amount=amounts)
    def claw_back(self, debtor: int, creditor: int, amount: Decimal) -> object:
        if debtor == creditor:
            return multiple()
        request_id = uuid.uuid4()

        def call() -> Awaitable[ClawedBack]:
            return self.ledger_service.claw_back(
                request_id=request_id,
                from_user_id=self.users[debtor],
                to_user_id=self.users[creditor],
                amount=amount,
                reference="",
            )

        outcome = self.outcome(call)
        taken = min(amount, self.model.wallets[debtor])
        self.model.wallets[debtor] -= taken
        self.model.credit(creditor, amount)
        self.model.owed[debtor] += amount - taken
        assert isinstance(outcome, ClawedBack)
        assert (outcome.taken, outcome.to_balance) == (taken, self.model.wallets[creditor])
        return call, outcome

    @rule(target=answers, action=actions, to=users | st.none(), part=st.none() | amounts.filter(bool))
    def release(self, action: Action, to: int | None, part: Decimal | None) -> object:
        """Release an escrow to a user, or collect it for the platform; the rest of a part returns to its owner."""
        if action.escrow_id is None:
            return multiple()
        ids = {"request_id": uuid.uuid4(), "escrow_id": action.escrow_id}

        def call() -> Awaitable[Movement]:
            if to is None:
                return self.ledger_service.collect_escrow(**ids, account="digital_goods", amount=part)
            return self.ledger_service.release_escrow(**ids, to_user_id=self.users[to])

        outcome = self.outcome(call)
        kept = action.amount if to is not None or part is None else part
        if action.state != "done" or kept > action.amount:
            assert outcome == ("CONFLICT" if action.state == "done" else "ESCROW_ALREADY_RESOLVED")
        else:
            action.state = "released"
            self.model.escrows[action.payer] -= action.amount
            self.model.credit(action.payer, action.amount - kept)
            if to is not None:
                self.model.credit(to, kept)
            assert isinstance(outcome, Movement)
        return call, outcome

    @rule(answer=answers)
    def repeat(self, answer: tuple[Call, object]) -> None:
        """Repetitions get the first response, refusals included."""
        call, before = answer
        assert self.outcome(call) == before

    @invariant()
    def balances_are_the_models(self) -> None:
        wallets = [self.wait(self.ledger_service.wallet_of(user)) for user in self.users]
        escrows = [self.wait(self.ledger.sum_of("escrow", user)) for user in self.users]
        if self.users:
            assert [wallet.balance for wallet in wallets] == self.model.wallets
            assert [wallet.owed for wallet in wallets] == self.model.owed
            assert escrows == self.model.escrows

    def teardown(self) -> None:
        assert self.wait(self.ledger.invariant_violations()) == []
        for user, wallet in zip(self.users, self.model.wallets, strict=False):
            lines = self.wait(whole_statement(self.ledger_service, user, per_page=3))
            assert lines[0].balance_after == wallet

    def _plan(self, kind: str, payer: int, other: int, amount: Decimal) -> Action:
        if other == payer:
            other = (payer + 1) % USERS
        return Action(uuid.uuid4(), kind, payer, other if kind == "transfer" else None, amount)

    def _call(self, action: Action) -> Awaitable[Movement]:
        request_id, payer = action.request_id, self.users[action.payer]
        if action.kind == "charge":
            return self.ledger_service.charge(
                request_id=request_id, user_id=payer, event_id=REVENUE, amount=action.amount, reference=""
            )
        if action.payee is None:
            return self.ledger_service.hold_escrow(
                request_id=request_id, user_id=payer, amount=action.amount, reference=""
            )
        return self.ledger_service.transfer(
            request_id=request_id,
            from_user_id=payer,
            to_user_id=self.users[action.payee],
            amount=action.amount,
            reference="",
        )

    def _undo(self, action: Action) -> Awaitable[Movement]:
        undo, undone = uuid.uuid4(), action.request_id
        match action.kind:
            case "charge":
                return self.ledger_service.refund(request_id=undo, undoes_request_id=undone, reason="")
            case "transfer":
                return self.ledger_service.undo_transfer(request_id=undo, undoes_request_id=undone, reference="")
            case _:
                return self.ledger_service.undo_escrow_hold(request_id=undo, undoes_request_id=undone)

    def _payee_has(self, action: Action) -> bool:
        return action.payee is None or self.model.wallets[action.payee] >= action.amount - action.collected

    def _do(self, action: Action) -> None:
        self.model.wallets[action.payer] -= action.amount
        if action.kind == "hold":
            self.model.escrows[action.payer] += action.amount
        if action.payee is not None:
            action.collected = self.model.credit(action.payee, action.amount)

    def _take_back(self, action: Action) -> None:
        """Reverse an action; what it collected is owed again."""
        self.model.credit(action.payer, action.amount)
        if action.kind == "hold":
            self.model.escrows[action.payer] -= action.amount
        if action.payee is not None:
            self.model.wallets[action.payee] -= action.amount - action.collected
            self.model.owed[action.payee] += action.collected


def _repeatable(call: Call, outcome: object) -> object:
    """Return the answer of what an admin does by hand; a refusal is not stored, so its repetition is a new attempt."""
    return multiple() if isinstance(outcome, str) else (call, outcome)
