"""Renders emails: each kind has one template of its text, and two layouts turn it into plain text and HTML.

Names of users and events are data, never part of a template: control characters and line breaks are removed from every
value, and the HTML layout escapes it.
"""

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from common.text import one_line
from common.time_zones import local_text
from orchestrator.features.notifications.models.notifications import Email, NotificationContext, NotificationKind

__all__ = ["TemplateRenderer"]

LONGEST_SUBJECT: Final = 150
LONGEST_TEXT_MESSAGE: Final = 320  # two segments of an SMS, in the GSM alphabet


def _shown(value: object) -> object:
    return one_line(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


class TemplateRenderer:
    """Renders emails.

    Args:
        public_url: links begin with it; without a trailing slash.
        codes_kept_days: how long codes are kept that their buyer has read.
    """

    def __init__(self, *, public_url: str, codes_kept_days: float) -> None:
        self._public_url = public_url
        self._codes_kept_days = f"{codes_kept_days:g}"
        self._pages = Environment(
            loader=PackageLoader("orchestrator.features.notifications"),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._pages.filters["local"] = local_text
        self._prose = self._pages.overlay(finalize=_shown)

    def render(self, kind: NotificationKind, context: NotificationContext) -> Email:
        """Return an email's subject, plain text and HTML."""
        subject, *paragraphs = self._paragraphs(f"{kind}.txt", context)
        values = self._values(context) | {"subject": subject, "paragraphs": paragraphs}
        links = [
            {"seat": seat, "url": self.ticket_url(str(seat.seat_id))} for seat in context.seats if kind.brings_tickets
        ]
        return Email(
            subject=subject[:LONGEST_SUBJECT],
            text=self._prose.get_template("layout.txt").render(values, links=links),
            html=self._prose.get_template("layout.html").render(values, links=links),
        )

    def render_text_message(self, kind: NotificationKind, context: NotificationContext) -> str:
        """Return a text message, cut to two SMS segments."""
        (text,) = self._paragraphs(f"sms/{kind}.txt", context)
        return text[:LONGEST_TEXT_MESSAGE]

    def ticket_url(self, seat_id: str) -> str:
        """Return the page that shows the ticket's current code."""
        return f"{self._public_url}/#/tickets/{seat_id}"

    def account_url(self, kind: NotificationKind, token: str, phone_ending: str | None) -> str:
        """Return the page that a link about an account leads to; the page names the account by its phone's last digits.

        The token is in the fragment, which browsers send to no server, so no log has it.
        """
        return f"{self._public_url}/{kind.replace('_', '-')}#token={token}" + (
            f"&phone={phone_ending}" if phone_ending else ""
        )

    def _paragraphs(self, template: str, context: NotificationContext) -> list[str]:
        prose = self._prose.get_template(template).render(self._values(context))
        return [" ".join(paragraph.split()) for paragraph in prose.split("\n\n") if paragraph.strip()]

    def _values(self, context: NotificationContext) -> dict[str, Any]:
        where = context.place or context.purchase
        own = {
            "public_url": self._public_url,
            "codes_kept_days": self._codes_kept_days,
            "time_zone": where.time_zone if where else "UTC",
        }
        if context.commission:
            own["link"] = f"{self._public_url}/order-status/{context.commission.order_id}"
        if context.goods:
            own["link"] = f"{self._public_url}/#/digital-orders/{context.goods.order_id}"
        return {**dict(context), **own}
