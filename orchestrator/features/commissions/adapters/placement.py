"""Puts one new sentence into a published article, whose other characters stay as they are."""

import re
from typing import Final

import nh3

from common.html_text import HtmlText, words_of
from orchestrator.features.commissions.adapters.interfaces import TextBrief

_PARAGRAPH: Final = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_SHORT_WORD: Final = 3


def with_sentence(brief: TextBrief, sentence: str) -> str:
    """Return the article with the sentence at the end of the paragraph that shares most words with the brief.

    A later version or attempt prefers another paragraph among those that suit equally. `sentence` is untrusted HTML.
    """
    link_only = nh3.clean(
        sentence, tags={"a"}, attributes={"a": {"href", "rel"}}, url_schemes={"http", "https"}, link_rel=None
    ).strip()
    paragraphs = list(_PARAGRAPH.finditer(brief.article_html))
    if not paragraphs:
        return f"{brief.article_html}<p>{link_only}</p>"
    place = _best(paragraphs, brief).end(1)
    return f"{brief.article_html[:place]} {link_only}{brief.article_html[place:]}"


def inserted_part(article_html: str, html: str) -> str | None:
    """Return what was put into the article at one place; None if anything else differs, or a tag is divided."""
    shorter = min(len(article_html), len(html))
    start = next((index for index in range(shorter) if article_html[index] != html[index]), shorter)
    end = start + len(html) - len(article_html)
    is_in_a_tag = html.rfind("<", 0, start) > html.rfind(">", 0, start)
    return html[start:end] if end >= start and html[end:] == article_html[start:] and not is_in_a_tag else None


def _best(paragraphs: list[re.Match[str]], brief: TextBrief) -> re.Match[str]:
    link = brief.link.anchor_text if brief.link else ""
    wanted = {word for word in words_of(f"{brief.brief} {' '.join(brief.keywords)} {link}") if len(word) > _SHORT_WORD}
    turn = brief.version + brief.attempt
    ranked = [
        (-len(wanted & set(words_of(HtmlText.of(match[1]).text))), (index + turn) % len(paragraphs), index)
        for index, match in enumerate(paragraphs)
    ]
    return paragraphs[min(ranked)[2]]
