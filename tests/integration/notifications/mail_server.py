"""The mail server of these tests, and its faults."""

from dataclasses import dataclass

from pydantic import SecretStr

from devstack.sandbox.faults import Fault, Faults
from devstack.sandbox.mail import SMTP_FAULT_PATH, Mailbox, MailServer, StoredMail
from orchestrator.features.notifications.adapters.smtp import EmailClient, SmtpServer
from tests.support.timeouts import ANSWER_SECONDS


@dataclass(frozen=True)
class SandboxMailServer:
    server: MailServer
    mailbox: Mailbox
    faults: Faults

    @property
    def url(self) -> SecretStr:
        return SecretStr(f"smtp://127.0.0.1:{self.server.port}")

    def email_client(self, *, timeout_seconds: float = ANSWER_SECONDS) -> EmailClient:
        return EmailClient(SmtpServer.from_url(self.url), timeout_seconds=timeout_seconds)

    def fail(self, status: int | None, *, times: int | None = 1, delay_seconds: float = 0.0) -> None:
        self.faults.add(SMTP_FAULT_PATH, Fault(status=status, delay_seconds=delay_seconds, calls_left=times))

    def mails(self, recipient: str | None = None) -> list[StoredMail]:
        return self.mailbox.mails(recipient)
