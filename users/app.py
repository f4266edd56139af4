"""Constructs the users service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.db.engine import Database
from common.db.idempotency import REQUESTS_RETENTION
from common.db.retention import RUN_SECONDS, RetentionTask
from common.health import Health
from common.http.app import base_app
from common.http.dependencies import provide
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.periodic import PeriodicTask, repeat_while_full
from rabbitmq.topology import platform_topology
from users.account_changes import routes as account_change_routes
from users.account_changes.repository import AccountChangeRepository
from users.account_changes.service import AccountChangeService
from users.accounts import routes as account_routes
from users.accounts.credentials import Credentials, LoginLimits
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository
from users.accounts.service import AccountService
from users.confirmation_codes import routes as confirmation_routes
from users.confirmation_codes.repository import (
    CODES_RETENTION,
    PROOFS_RETENTION,
    ConfirmationCodeRepository,
)
from users.confirmation_codes.service import ConfirmationCodeService
from users.earnings import routes as earnings_routes
from users.earnings.repository import EarningsRepository
from users.earnings.service import EarningsService
from users.email_links import routes as email_link_routes
from users.email_links.repository import LINKS_RETENTION, EmailLinkRepository
from users.email_links.service import EmailLinkService, LinkLimits
from users.email_links.tokens import LinkTokens
from users.known_devices.repository import DEVICES_RETENTION, KnownDeviceRepository
from users.known_devices.service import KNOWN_DAYS, KnownDeviceService
from users.ledger import routes as ledger_routes
from users.ledger.repository import LedgerRepository
from users.ledger.service import Ledger
from users.ledger.spending import SpendingCheck
from users.limits.repository import ATTEMPTS_RETENTION, AttemptsRepository
from users.limits.service import AttemptLimits, Limit
from users.one_time_codes.notification_api import NotificationApi
from users.one_time_codes.sending import MAX_WRONG_CODES, CodeSender, SendLimits
from users.payments import routes as payment_routes
from users.payments.repository import PaymentRepository
from users.payments.service import PaymentService
from users.personal_data import routes as personal_data_routes
from users.personal_data.repository import PersonalDataRepository
from users.personal_data.service import PersonalDataService
from users.registration_codes.repository import RegistrationCodeRepository
from users.registration_codes.service import RegistrationCodeService
from users.sessions import routes as session_routes
from users.sessions.keys import SigningKey
from users.sessions.repository import RETENTIONS as SESSION_RETENTIONS
from users.sessions.repository import SessionRepository
from users.sessions.service import SessionService
from users.sessions.tokens import TokenIssuer
from users.settings import Settings
from users.sms import routes as sms_routes
from users.sms.repository import SmsRepository
from users.sms.service import SmsService

__all__ = ["SERVICE", "create_app"]

SERVICE: Final = "users"
# The time of a claim beyond the provider's timeouts: for connecting to it and for writing the outcome.
CLAIM_MARGIN_SECONDS: Final = 5.0
# Accounts that one deletion takes: few enough that it holds no lock for long. Copies skip each other's rows.
DELETE_BATCH: Final = 1_000
LINK_WINDOW_SECONDS: Final = 3_600
LOGIN_SECONDS: Final = 60
RETENTIONS: Final = (
    REQUESTS_RETENTION,
    ATTEMPTS_RETENTION,
    *SESSION_RETENTIONS,
    DEVICES_RETENTION,
    CODES_RETENTION,
    PROOFS_RETENTION,
    LINKS_RETENTION,
)
# Routers are matched in this order, so those of a purchase's calls come first.
ROUTERS: Final = (
    ledger_routes.internal,
    account_routes.public,
    account_routes.internal,
    account_change_routes.public,
    email_link_routes.internal,
    confirmation_routes.internal,
    session_routes.public,
    session_routes.well_known,
    session_routes.internal,
    ledger_routes.public,
    ledger_routes.admin,
    earnings_routes.internal,
    earnings_routes.public,
    payment_routes.internal,
    payment_routes.public,
    payment_routes.admin,
    sms_routes.internal,
    personal_data_routes.internal,
)


def create_app(settings: Settings) -> FastAPI:
    """Return the app; its lifespan runs the relay of messages and the deletion of expired rows."""
    container = _Container(settings)
    app = base_app(
        service=SERVICE,
        title="TicketRemaster users",
        settings=settings,
        lifespan=container.lifespan,
        health=container.health(),
        user_tokens=_verifier(container.key),
    )
    provide(app, container.key, *container.services())
    for router in ROUTERS:
        app.include_router(router)
    return app


class _Container:
    """The objects that live as long as the process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings, application_name=SERVICE)
        self.key = SigningKey(settings.jwt_private_key)
        self._publisher = Publisher(
            settings.rabbitmq_url.get_secret_value(),
            service=SERVICE,
            topology=platform_topology(settings.hold_ttl_seconds),
            timeout_seconds=settings.publish_timeout_seconds,
        )
        self._relay = OutboxRelay(
            self._database,
            self._publisher,
            poll_seconds=settings.outbox_poll_seconds,
            keep_hours=settings.outbox_retention_hours,
        )
        self._passwords = Passwords(threads=settings.password_threads, queue=settings.password_queue)
        self._provider = NotificationApi(
            base_url=settings.otp_api_url, key=settings.otp_api_key, timeout_seconds=settings.otp_timeout_seconds
        )
        self._accounts = AccountRepository(self._database)
        self._attempts = AttemptsRepository(self._database)
        self._sessions = SessionRepository(
            self._database,
            repeat_seconds=settings.refresh_repeat_seconds,
            refreshes_per_minute=settings.refreshes_per_minute,
        )
        self._confirmation_codes = ConfirmationCodeRepository(
            self._database,
            # httpx times connecting and reading separately.
            lease_seconds=2 * settings.otp_timeout_seconds + CLAIM_MARGIN_SECONDS,
            resend_seconds=settings.otp_resend_seconds,
            most_tries=MAX_WRONG_CODES,
        )
        self._deletions = (
            RetentionTask(self._database, RETENTIONS, interval_seconds=settings.housekeeping_seconds),
            PeriodicTask(
                partial(
                    repeat_while_full, self._accounts.delete_abandoned, batch=DELETE_BATCH, limit_seconds=RUN_SECONDS
                ),
                name="abandoned accounts",
                interval_seconds=settings.housekeeping_seconds,
            ),
        )

    def services(self) -> tuple[object, ...]:
        """Return what routes depend on."""
        limits = AttemptLimits(self._attempts)
        sender = CodeSender(provider=self._provider, limits=limits, sends=self._send_limits())
        codes = RegistrationCodeService(
            key=self.key.derived("verified codes"),
            sender=sender,
            provider=self._provider,
            repository=RegistrationCodeRepository(self._database),
        )
        tokens = LinkTokens(self.key.derived("email links"))
        links = EmailLinkService(
            repository=EmailLinkRepository(self._database),
            tokens=tokens,
            limits=limits,
            links=self._link_limits(),
            wake_relay=self._relay.wake,
        )
        devices = KnownDeviceService(
            KnownDeviceRepository(self._database, days=KNOWN_DAYS, most=self._settings.known_devices_per_account)
        )
        credentials = Credentials(
            accounts=self._accounts,
            passwords=self._passwords,
            devices=devices,
            limits=limits,
            login_limits=self._login_limits(),
        )
        sessions = SessionService(
            credentials=credentials,
            devices=devices,
            repository=self._sessions,
            tokens=TokenIssuer(
                self.key,
                access_ttl_seconds=self._settings.access_token_ttl_seconds,
                refresh_ttl_seconds=self._settings.refresh_token_ttl_seconds,
            ),
            links=links,
            wake_relay=self._relay.wake,
        )
        accounts = AccountService(
            repository=self._accounts,
            passwords=self._passwords,
            credentials=credentials,
            codes=codes,
            sessions=sessions,
            wake_relay=self._relay.wake,
        )
        changes = AccountChangeService(
            repository=AccountChangeRepository(self._database),
            accounts=accounts,
            credentials=credentials,
            passwords=self._passwords,
            codes=codes,
            links=links,
            tokens=tokens,
            limits=limits,
            provider=self._provider,
            wake_relay=self._relay.wake,
        )
        movements = LedgerRepository(self._database)
        ledger = Ledger(movements)
        payments = PaymentService(repository=PaymentRepository(self._database), wake_relay=self._relay.wake)
        return (
            session_routes.DeviceCookie(is_secure=not self._settings.is_dev),
            sessions,
            accounts,
            links,
            changes,
            ConfirmationCodeService(sender=sender, provider=self._provider, repository=self._confirmation_codes),
            SmsService(provider=self._provider, repository=SmsRepository(self._database)),
            ledger,
            SpendingCheck(movements),
            EarningsService(EarningsRepository(self._database), movements),
            payments,
            PersonalDataService(
                repository=PersonalDataRepository(self._database),
                accounts=self._accounts,
                credentials=credentials,
                limits=limits,
                ledger=ledger,
                payments=payments,
                wake_relay=self._relay.wake,
            ),
        )

    def health(self) -> Health:
        """Without the broker, messages wait in the outbox; everything else works."""
        return Health(
            required={"database": self._database.is_healthy}, optional={"broker": self._publisher.broker.is_healthy}
        )

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self._publisher.broker.start()
        self._relay.start()
        for deletion in self._deletions:
            deletion.start()
        yield
        for deletion in self._deletions:
            await deletion.close()
        await self._relay.close()
        await self._publisher.broker.close()
        await self._provider.close()
        self._passwords.close()
        await self._database.close()

    def _send_limits(self) -> SendLimits:
        return SendLimits(
            per_account=self._settings.otp_sends_per_account,
            per_phone=self._settings.otp_sends_per_phone,
            per_address=self._settings.otp_sends_per_address,
            by_others=self._settings.otp_sends_by_others,
        )

    def _link_limits(self) -> LinkLimits:
        return LinkLimits(
            per_mailbox=Limit("links-mailbox", self._settings.email_links_per_mailbox, LINK_WINDOW_SECONDS),
            per_address=Limit("links-address", self._settings.email_links_per_address, LINK_WINDOW_SECONDS),
        )

    def _login_limits(self) -> LoginLimits:
        """Return the limits; the scopes differ from those of an earlier release, which counted accounts otherwise."""
        settings = self._settings
        window_seconds, long_seconds = settings.login_window_seconds, settings.login_window_in_all_seconds
        return LoginLimits(
            per_account=Limit("login-account-place", settings.login_failures_per_account, window_seconds),
            per_account_in_all=Limit("login-account-in-all", settings.login_failures_in_all, long_seconds),
            per_address=Limit("login-address", settings.login_failures_per_address, window_seconds),
            successes=Limit("login-success", settings.logins_per_account, LOGIN_SECONDS),
        )


def _verifier(key: SigningKey) -> UserTokenVerifier:
    """Return a verifier with the service's own key, which needs no HTTP request."""

    async def own_keys() -> dict[str, Any]:
        return key.as_jwks()

    return UserTokenVerifier(own_keys)
