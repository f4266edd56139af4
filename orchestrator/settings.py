"""Settings of the orchestrator's processes."""

from pydantic import Field

from common.settings import DatabaseSettings
from orchestrator.clients.settings import ClientSettings
from orchestrator.features.check_in.settings import CheckInSettings
from orchestrator.features.commissions.adapters.settings import TextSettings
from orchestrator.features.commissions.settings import CommissionSettings
from orchestrator.features.digital_goods.adapters.settings import SupplierSettings
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.settings import DigitalOrderSettings
from orchestrator.features.event_editing.settings import EventEditingSettings
from orchestrator.features.marketplace.settings import MarketplaceSettings
from orchestrator.features.menus.settings import MenuSettings
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.outbound_webhooks.settings import OutboundWebhookSettings
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.features.payouts.settings import PayoutSettings
from orchestrator.features.subscriptions.settings import SubscriptionSettings
from orchestrator.features.tickets.settings import TicketSettings
from orchestrator.features.tips.settings import TipSettings
from orchestrator.features.transfers.settings import TransferSettings
from orchestrator.jobs.settings import JobSettings, JobWorkerSettings
from orchestrator.saga_engine.settings import SagaSettings


class Settings(
    PaymentSettings,
    MenuSettings,
    ClientSettings,
    DatabaseSettings,
    SagaSettings,
    JobSettings,
    CheckInSettings,
    CommissionSettings,
    DigitalOrderSettings,
    EventEditingSettings,
    MarketplaceSettings,
    NotificationSettings,
    OutboundWebhookSettings,
    StorageSettings,
    SubscriptionSettings,
    SupplierSettings,
    PayoutSettings,
    TextSettings,
    TicketSettings,
    TipSettings,
    TransferSettings,
):
    port: int = 5003


class WorkerSettings(Settings, JobWorkerSettings):
    port: int = 5004
    worker_niceness: int = Field(
        default=10, ge=0, le=19, description="Emails and webhooks yield to purchases on a shared machine."
    )
