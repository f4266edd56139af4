"""Picks sentences and fills in the facts."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from common.html_text import HtmlText
from orchestrator.features.commissions.adapters.builtin.facts import facts_of
from orchestrator.features.commissions.adapters.interfaces import LinkBrief, TextBrief


@dataclass(frozen=True, slots=True)
class Writer:
    """Picks by chance, and nothing that the version before contains if there is something else.

    The same order, version and attempt give the same picks.
    """

    facts: Mapping[str, str]
    choice: random.Random
    previous: str

    @classmethod
    def of(cls, brief: TextBrief) -> "Writer":
        return cls(
            facts=facts_of(brief.event) if brief.event else {},
            choice=random.Random(f"{brief.order_id} {brief.version} {brief.attempt}"),  # noqa: S311 - no secret
            previous=HtmlText.of(brief.previous_html).text,
        )

    def one_of(self, sentences: Sequence[str], **html: str) -> str:
        """Return one of the sentences in HTML, with the facts and the given HTML in its placeholders."""
        values = {name: as_html(value) for name, value in self.facts.items()} | html
        filled = [sentence.format(**values) for sentence in sentences]
        new = [sentence for sentence in filled if HtmlText.of(sentence).text not in self.previous]
        return self.choice.choice(new or filled)

    def one_of_each(self, places: Iterable[Sequence[str]]) -> list[str]:
        return [self.one_of(sentences) for sentences in places]


def link_html(link: LinkBrief) -> str:
    """Return a paid link, marked as such for search engines."""
    return f'<a href="{escape(link.target_url)}" rel="sponsored noopener">{as_html(link.anchor_text)}</a>'


def as_html(text: str) -> str:
    return escape(text, quote=False)
