"""Creates the sandbox's app: one process that keeps its state in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from common.auth.service_tokens import ServiceTokens
from common.health import Health
from common.http.app import base_app
from common.http.client import ServiceClient
from devstack.sandbox.checkout_routes import checkout_control_routes, checkout_page_routes, checkout_routes
from devstack.sandbox.checkout_sessions import CheckoutSessions
from devstack.sandbox.control_routes import control_routes
from devstack.sandbox.devices import Devices, device_routes
from devstack.sandbox.faults import Faults
from devstack.sandbox.mail import Mailbox, MailServer
from devstack.sandbox.mail_routes import mail_routes
from devstack.sandbox.nowpayments import NowPaymentsAccount, nowpayments_routes
from devstack.sandbox.otp import OtpProvider
from devstack.sandbox.otp_routes import otp_routes
from devstack.sandbox.page import INDEX
from devstack.sandbox.payment_control import PaymentProviders, payment_control_routes
from devstack.sandbox.settings import Settings
from devstack.sandbox.stripe_account import StripeAccount, StripeRefusal
from devstack.sandbox.stripe_control import stripe_control_routes
from devstack.sandbox.stripe_routes import show_refusal, stripe_routes
from devstack.sandbox.supplier import GoodsSupplier, supplier_page, supplier_routes
from devstack.sandbox.supplier_control import SupplierNotices, supplier_control_routes
from devstack.sandbox.text import TextGenerator, text_routes
from devstack.sandbox.topups import topup_routes
from devstack.sandbox.webhooks import WebhookSender

SERVICE: Final = "sandbox"


def create_app(settings: Settings) -> FastAPI:
    tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
    users = ServiceClient(
        callee="users", base_url=settings.users_url, tokens=tokens, deadline_seconds=settings.call_timeout_seconds
    )
    providers = PaymentProviders(
        stripe=StripeAccount(),
        nowpayments=NowPaymentsAccount(),
        sender=WebhookSender(settings.gateway_url),
        settings=settings,
    )
    supplier = GoodsSupplier()
    notices = SupplierNotices(supplier, providers.sender, settings.supplier_webhook_secret)
    provider, faults = OtpProvider(ttl_seconds=settings.otp_ttl_seconds), Faults()
    sessions = CheckoutSessions(providers.stripe)
    mailbox = Mailbox()
    mail_server = MailServer(mailbox, faults, host=settings.host, port=settings.smtp_port)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await mail_server.start()
        yield
        await notices.close()
        await providers.sender.close()
        await mail_server.close()
        await users.close()

    app = base_app(service=SERVICE, title="Sandbox", settings=settings, lifespan=lifespan, health=Health())
    app.state.mail_server = mail_server
    app.include_router(otp_routes(provider, faults, api_key=settings.otp_api_key))
    app.include_router(control_routes(provider, faults))
    app.include_router(topup_routes(users))
    app.add_exception_handler(StripeRefusal, show_refusal)
    app.include_router(stripe_routes(providers.stripe, faults, secret_key=settings.stripe_secret_key))
    app.include_router(checkout_routes(sessions, providers, faults))
    app.include_router(checkout_page_routes(sessions, providers))
    app.include_router(nowpayments_routes(providers.nowpayments, faults, api_key=settings.nowpayments_api_key))
    app.include_router(checkout_control_routes(sessions, providers))
    app.include_router(stripe_control_routes(providers))
    app.include_router(payment_control_routes(providers))
    app.include_router(mail_routes(mailbox))
    app.include_router(device_routes(Devices(), faults))
    app.include_router(supplier_routes(supplier, notices.reserved, faults, api_key=settings.supplier_api_key))
    app.include_router(supplier_page(supplier))
    app.include_router(supplier_control_routes(supplier, notices))
    app.include_router(text_routes(TextGenerator(), faults, api_key=settings.text_api_key))

    @app.get("/", include_in_schema=False)
    async def show_index() -> HTMLResponse:
        return HTMLResponse(INDEX)

    return app
