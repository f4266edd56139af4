"""The provider of texts that needs no network."""

from typing import Final

from orchestrator.features.commissions.adapters.builtin.article import write_article
from orchestrator.features.commissions.adapters.builtin.phrases import PHRASES
from orchestrator.features.commissions.adapters.builtin.writer import link_html
from orchestrator.features.commissions.adapters.interfaces import Draft, TextBrief
from orchestrator.features.commissions.adapters.placement import with_sentence
from orchestrator.features.commissions.errors import TextUnusable

__all__ = ["BuiltinProvider"]

MODEL: Final = "builtin-1"
"""Changes with the generator's texts."""


class BuiltinProvider:
    """Writes from the facts in the brief, in milliseconds. The same brief always gives the same text."""

    async def write(self, brief: TextBrief) -> Draft:
        title, html = write_article(brief, brief.event) if brief.event else _write_backlink(brief)
        return Draft(title=title, html=html, provider="builtin", model=MODEL)

    async def close(self) -> None:
        """Nothing is open."""


def _write_backlink(brief: TextBrief) -> tuple[str, str]:
    if brief.link is None:
        raise TextUnusable(reason="neither an event nor a link")
    sentences: list[str] = PHRASES["links"]["backlink"]
    turn = brief.order_id.int + brief.version + brief.attempt
    return brief.article_title, with_sentence(
        brief, sentences[turn % len(sentences)].format(link=link_html(brief.link))
    )
