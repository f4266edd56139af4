"""Constructs the users service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.db.engine import Database
from common.health import Health
from common.http.app import base_app
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.messaging.topology import platform_topology
from users.accounts import routes as account_routes
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository
from users.accounts.service import Accounts
from users.ledger import routes as ledger_routes
from users.ledger.repository import LedgerRepository
from users.ledger.service import Ledger
from users.limits.repository import AttemptsRepository
from users.limits.service import AttemptLimits, Limit
from users.otp.notification_api import NotificationApi
from users.otp.repository import ChallengeRepository
from users.otp.service import OneTimeCodes
from users.sessions import routes as session_routes
from users.sessions.keys import SigningKey
from users.sessions.repository import SessionRepository
from users.sessions.service import LoginLimits, Sessions
from users.sessions.tokens import TokenIssuer
from users.settings import Settings

__all__ = ["SERVICE", "create_app"]

SERVICE: Final = "users"
ROUTERS: Final = (
    account_routes.public,
    account_routes.internal,
    session_routes.public,
    session_routes.well_known,
    session_routes.internal,
    ledger_routes.public,
    ledger_routes.internal,
)


def create_app(settings: Settings) -> FastAPI:
    """Return the service: its parts, its routes, and the relay of its outbox."""
    database = Database(settings, application_name=SERVICE)
    publisher = Publisher(
        settings.rabbitmq_url.get_secret_value(),
        service=SERVICE,
        topology=platform_topology(settings.hold_ttl_seconds),
        timeout_seconds=settings.publish_timeout_seconds,
    )
    relay = OutboxRelay(database, publisher, poll_seconds=settings.outbox_poll_seconds)
    passwords = Passwords(threads=settings.password_threads, queue=settings.password_queue)
    otp_api = NotificationApi(
        base_url=settings.otp_api_url, key=settings.otp_api_key, timeout_seconds=settings.otp_timeout_seconds
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        publisher.broker.start()
        relay.start()
        yield
        await relay.close()
        await publisher.broker.close()
        await otp_api.close()
        passwords.close()
        await database.close()

    key = SigningKey(settings.jwt_private_key)
    app = base_app(
        service=SERVICE,
        title="TicketRemaster users",
        settings=settings,
        lifespan=lifespan,
        health=Health(required={"database": database.is_healthy}, optional={"broker": publisher.broker.is_healthy}),
        user_tokens=_verifier(key),
    )
    _construct(app, settings, database=database, key=key, passwords=passwords, otp_api=otp_api, relay=relay)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _construct(
    app: FastAPI,
    settings: Settings,
    *,
    database: Database,
    key: SigningKey,
    passwords: Passwords,
    otp_api: NotificationApi,
    relay: OutboxRelay,
) -> None:
    limits = AttemptLimits(AttemptsRepository(database))
    accounts = AccountRepository(database)
    sessions = Sessions(
        accounts=accounts,
        passwords=passwords,
        repository=SessionRepository(database),
        tokens=TokenIssuer(
            key,
            access_ttl_seconds=settings.access_token_ttl_seconds,
            refresh_ttl_seconds=settings.refresh_token_ttl_seconds,
        ),
        limits=limits,
        login_limits=_login_limits(settings),
        on_message=relay.poke,
    )
    codes = OneTimeCodes(
        provider=otp_api,
        repository=ChallengeRepository(database),
        limits=limits,
        sends_per_account=settings.otp_sends_per_account,
        sends_per_phone=settings.otp_sends_per_phone,
    )
    app.state.signing_key = key
    app.state.sessions = sessions
    app.state.accounts = Accounts(
        repository=accounts, passwords=passwords, codes=codes, sessions=sessions, on_message=relay.poke
    )
    app.state.ledger = Ledger(LedgerRepository(database))


def _login_limits(settings: Settings) -> LoginLimits:
    window_seconds = settings.login_window_seconds
    return LoginLimits(
        per_account=Limit("login-account", settings.login_failures_per_account, window_seconds),
        per_address=Limit("login-address", settings.login_failures_per_address, window_seconds),
    )


def _verifier(key: SigningKey) -> UserTokenVerifier:
    """Check tokens against our own key, without asking ourselves over HTTP."""

    async def own_keys() -> dict[str, Any]:
        return key.as_jwks()

    return UserTokenVerifier(own_keys)
