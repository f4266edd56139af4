"""Routes of the mailbox, for browsers and tests."""

from html import escape
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import HTMLResponse

from devstack.sandbox.mail import Mailbox, StoredMail
from devstack.sandbox.page import page

__all__ = ["mail_routes"]

# An email is untrusted content: no scripts, no forms, no external resources, and an opaque origin.
UNTRUSTED_CONTENT: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
}
MAILBOX_PAGE: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"}


def mail_routes(mailbox: Mailbox) -> APIRouter:
    router = APIRouter(tags=["Mail"])

    @router.get("/mailbox", include_in_schema=False)
    async def show_all(to: str | None = None) -> HTMLResponse:
        return HTMLResponse(page("Mailbox", _listing(mailbox.mails(to)[::-1])), headers=MAILBOX_PAGE)

    @router.get("/mailbox/{mail_id}", include_in_schema=False)
    async def show_one(mail_id: str) -> HTMLResponse:
        mail = _require(mailbox, mail_id)
        return HTMLResponse(page(mail.subject, _shown(mail)), headers=MAILBOX_PAGE)

    @router.get("/mailbox/{mail_id}/html", include_in_schema=False)
    async def show_html(mail_id: str) -> HTMLResponse:
        return HTMLResponse(_require(mailbox, mail_id).body("html"), headers=UNTRUSTED_CONTENT)

    @router.get("/mailbox/{mail_id}/attachments/{number}", include_in_schema=False)
    async def download(mail_id: str, number: int) -> Response:
        attachments = _require(mailbox, mail_id).attachments
        if not 0 <= number < len(attachments):
            raise HTTPException(404, "There is no such attachment.")
        attachment = attachments[number]
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(attachment.content, media_type=attachment.content_type, headers=headers | UNTRUSTED_CONTENT)

    @router.get("/control/mail")
    async def list_mail(
        to: Annotated[str | None, Query(description="The recipient's address; all emails if omitted.")] = None,
    ) -> list[dict[str, Any]]:
        """List the received emails, oldest first."""
        return [mail.as_json() for mail in mailbox.mails(to)]

    @router.delete("/control/mail", status_code=204)
    async def empty() -> None:
        """Delete all emails."""
        mailbox.empty()

    return router


def _require(mailbox: Mailbox, mail_id: str) -> StoredMail:
    mail = mailbox.find(mail_id)
    if mail is None:
        raise HTTPException(404, "There is no such email.")
    return mail


def _listing(mails: list[StoredMail]) -> str:
    if not mails:
        return "<p>No emails yet.</p>"
    rows = "".join(
        f"<tr><td>{mail.received_at:%H:%M:%S}</td><td>{escape(', '.join(mail.recipients))}</td>"
        f'<td><a href="/mailbox/{mail.mail_id}">{escape(mail.subject) or "(no subject)"}</a></td></tr>'
        for mail in mails
    )
    return f"<table><tr><th>Time (UTC)</th><th>To</th><th>Subject</th></tr>{rows}</table>"


def _shown(mail: StoredMail) -> str:
    headers = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in mail.message.items()
    )
    attached = "".join(
        f'<li><a href="/mailbox/{mail.mail_id}/attachments/{number}">{escape(attachment.name)}</a> '
        f"({escape(attachment.content_type)}, {len(attachment.content)} bytes)</li>"
        for number, attachment in enumerate(mail.attachments)
    )
    html = (
        f'<iframe sandbox src="/mailbox/{mail.mail_id}/html" title="The email"></iframe>' if mail.body("html") else ""
    )
    return (
        f'<p><a href="/mailbox">All emails</a></p><table>{headers}</table>{html}'
        f"<h2>Text</h2><pre>{escape(mail.body('plain'))}</pre>"
        f"<h2>Attachments</h2><ul>{attached or '<li>none</li>'}</ul>"
    )
