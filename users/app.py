"""Constructs the users service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.db.engine import Database
from common.health import Health
from common.http.app import base_app
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.periodic import PeriodicTask, repeat_while_full
from rabbitmq.topology import platform_topology
from users.accounts import routes as account_routes
from users.accounts.credentials import Credentials, FailureLimits
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository
from users.accounts.service import Accounts
from users.confirmations import routes as confirmation_routes
from users.confirmations.repository import ConfirmationRepository
from users.confirmations.service import Confirmations
from users.ledger import routes as ledger_routes
from users.ledger.repository import LedgerRepository
from users.ledger.service import Ledger
from users.limits.repository import AttemptsRepository
from users.limits.service import AttemptLimits, Limit
from users.otp.notification_api import NotificationApi
from users.otp.repository import ChallengeRepository
from users.otp.sending import CodeSender, SendLimits
from users.otp.service import WRONG_CODES, OneTimeCodes
from users.payments import routes as payment_routes
from users.payments.repository import PaymentRepository
from users.payments.service import Payments
from users.sessions import routes as session_routes
from users.sessions.keys import SigningKey
from users.sessions.repository import SessionRepository
from users.sessions.service import Sessions
from users.sessions.tokens import TokenIssuer
from users.settings import Settings
from users.sms import routes as text_routes
from users.sms.repository import SmsRepository
from users.sms.service import Texts

__all__ = ["SERVICE", "create_app"]

SERVICE: Final = "users"
# What passes beside the provider's own time before a claim to ask it is over: connecting, and our writing.
CLAIM_MARGIN_SECONDS: Final = 5.0
# Rows that one cleaning deletes: few enough that it holds no lock for long. Copies skip each other's rows.
CLEAN_BATCH: Final = 1_000
# In the order they are matched: what purchases call comes first.
ROUTERS: Final = (
    ledger_routes.internal,
    account_routes.public,
    account_routes.internal,
    confirmation_routes.internal,
    session_routes.public,
    session_routes.well_known,
    session_routes.internal,
    ledger_routes.public,
    ledger_routes.admin,
    payment_routes.internal,
    payment_routes.public,
    payment_routes.admin,
    text_routes.internal,
)


def create_app(settings: Settings) -> FastAPI:
    """Return the service: its parts and its routes; what runs beside them starts with the app."""
    parts = _Parts(settings)
    app = base_app(
        service=SERVICE,
        title="TicketRemaster users",
        settings=settings,
        lifespan=parts.lifespan,
        health=parts.health(),
        user_tokens=_verifier(parts.key),
    )
    app.state.signing_key = parts.key
    app.state.sessions = parts.sessions
    app.state.accounts = parts.accounts()
    app.state.confirmations = parts.confirmations()
    app.state.texts = parts.texts()
    app.state.ledger = Ledger(LedgerRepository(parts.database))
    app.state.payments = parts.payments()
    for router in ROUTERS:
        app.include_router(router)
    return app


class _Parts:
    """What lives as long as the process does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.database = Database(settings, application_name=SERVICE)
        self.key = SigningKey(settings.jwt_private_key)
        self._publisher = Publisher(
            settings.rabbitmq_url.get_secret_value(),
            service=SERVICE,
            topology=platform_topology(settings.hold_ttl_seconds),
            timeout_seconds=settings.publish_timeout_seconds,
        )
        self._relay = OutboxRelay(self.database, self._publisher, poll_seconds=settings.outbox_poll_seconds)
        self._passwords = Passwords(threads=settings.password_threads, queue=settings.password_queue)
        self._otp_api = NotificationApi(
            base_url=settings.otp_api_url, key=settings.otp_api_key, timeout_seconds=settings.otp_timeout_seconds
        )
        self._people = AccountRepository(self.database)
        self._attempts = AttemptsRepository(self.database)
        self._logins = SessionRepository(self.database)
        self._limits = AttemptLimits(self._attempts)
        self._challenges = self._make_challenges()
        self._sender = self._make_sender()
        self._credentials = self._make_credentials()
        self.sessions = self._make_sessions()
        cleanings = (
            self._attempts.clean,
            self._logins.clean_tokens,
            self._logins.clean,
            self._people.clean,
            self._challenges.clean,
        )
        self._housekeeping = PeriodicTask(
            *(partial(repeat_while_full, clean, batch=CLEAN_BATCH) for clean in cleanings),
            name="housekeeping",
            interval_seconds=settings.housekeeping_seconds,
        )

    def accounts(self) -> Accounts:
        codes = OneTimeCodes(sender=self._sender, provider=self._otp_api, repository=ChallengeRepository(self.database))
        return Accounts(
            repository=self._people,
            passwords=self._passwords,
            credentials=self._credentials,
            codes=codes,
            sessions=self.sessions,
            on_message=self._relay.wake,
        )

    def confirmations(self) -> Confirmations:
        return Confirmations(sender=self._sender, provider=self._otp_api, repository=self._challenges)

    def payments(self) -> Payments:
        return Payments(PaymentRepository(self.database), on_message=self._relay.wake)

    def texts(self) -> Texts:
        return Texts(provider=self._otp_api, repository=SmsRepository(self.database))

    def health(self) -> Health:
        """Without the broker messages wait in the outbox; everything else goes on."""
        return Health(
            required={"database": self.database.is_healthy}, optional={"broker": self._publisher.broker.is_healthy}
        )

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self._publisher.broker.start()
        self._relay.start()
        self._housekeeping.start()
        yield
        await self._housekeeping.close()
        await self._relay.close()
        await self._publisher.broker.close()
        await self._otp_api.close()
        self._passwords.close()
        await self.database.close()

    def _make_challenges(self) -> ConfirmationRepository:
        # httpx counts connecting and reading apart.
        lease_seconds = 2 * self._settings.otp_timeout_seconds + CLAIM_MARGIN_SECONDS
        return ConfirmationRepository(
            self.database,
            lease_seconds=lease_seconds,
            resend_seconds=self._settings.otp_resend_seconds,
            most_tries=WRONG_CODES,
        )

    def _make_sender(self) -> CodeSender:
        sends = SendLimits(
            per_account=self._settings.otp_sends_per_account,
            per_phone=self._settings.otp_sends_per_phone,
            per_address=self._settings.otp_sends_per_address,
            by_others=self._settings.otp_sends_by_others,
        )
        return CodeSender(provider=self._otp_api, limits=self._limits, sends=sends)

    def _make_credentials(self) -> Credentials:
        window_seconds = self._settings.login_window_seconds
        failures = FailureLimits(
            per_account=Limit("login-account", self._settings.login_failures_per_account, window_seconds),
            per_address=Limit("login-address", self._settings.login_failures_per_address, window_seconds),
        )
        return Credentials(accounts=self._people, passwords=self._passwords, limits=self._limits, failures=failures)

    def _make_sessions(self) -> Sessions:
        tokens = TokenIssuer(
            self.key,
            access_ttl_seconds=self._settings.access_token_ttl_seconds,
            refresh_ttl_seconds=self._settings.refresh_token_ttl_seconds,
        )
        return Sessions(
            credentials=self._credentials, repository=self._logins, tokens=tokens, on_message=self._relay.wake
        )


def _verifier(key: SigningKey) -> UserTokenVerifier:
    """Check tokens against our own key, without asking ourselves over HTTP."""

    async def own_keys() -> dict[str, Any]:
        return key.as_jwks()

    return UserTokenVerifier(own_keys)
