"""Writes letters: the prose of each kind is one template, and two layouts make a text and an HTML page of it.

What people have named themselves or their events is data here and never part of a template: control characters and
line breaks are taken out of everything that is filled in, and the HTML page escapes it.
"""

import unicodedata
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from orchestrator.features.notifications.models.emails import Email, EmailContext, EmailKind

__all__ = ["TemplateRenderer", "one_line"]

LONGEST_SUBJECT: Final = 150
LONGEST_TEXT_MESSAGE: Final = 320  # two segments of an SMS, in the GSM alphabet


def one_line(value: object) -> object:
    """Return text as it can stand in a line: without what moves on to another one or changes its direction."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    # Cc control, Cf format (right-to-left marks among them), Zl and Zp line and paragraph separators, Cs surrogates.
    kept = (" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else c for c in value)
    return " ".join("".join(kept).split())


class TemplateRenderer:
    """Writes letters. Links in them begin with `public_url`, which has no slash at its end."""

    def __init__(self, *, public_url: str) -> None:
        self._public_url = public_url
        self._pages = Environment(
            loader=PackageLoader("orchestrator.features.notifications"),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._prose = self._pages.overlay(finalize=one_line)

    def write(self, kind: EmailKind, facts: EmailContext) -> Email:
        """Return a letter as text and as a page."""
        subject, *paragraphs = self._paragraphs(f"{kind}.txt", facts)
        shown = self._shown(facts) | {"subject": subject, "paragraphs": paragraphs}
        links = [
            {"seat": seat, "url": self.ticket_url(str(seat.seat_id))} for seat in facts.seats if kind.brings_tickets
        ]
        return Email(
            subject=subject[:LONGEST_SUBJECT],
            text=self._prose.get_template("layout.txt").render(shown, links=links),
            html=self._prose.get_template("layout.html").render(shown, links=links),
        )

    def write_text_message(self, kind: EmailKind, facts: EmailContext) -> str:
        """Return it in as few words as a phone likes."""
        (text,) = self._paragraphs(f"sms/{kind}.txt", facts)
        return text[:LONGEST_TEXT_MESSAGE]

    def ticket_url(self, seat_id: str) -> str:
        """Return where the ticket's code is shown, as it is at that moment."""
        return f"{self._public_url}/#/tickets/{seat_id}"

    def _paragraphs(self, template: str, facts: EmailContext) -> list[str]:
        prose = self._prose.get_template(template).render(self._shown(facts))
        return [" ".join(paragraph.split()) for paragraph in prose.split("\n\n") if paragraph.strip()]

    def _shown(self, facts: EmailContext) -> dict[str, Any]:
        return {**dict(facts), "public_url": self._public_url}
