"""Writes what a language model might answer to a brief: harmless sentences about the event, or a faulty text."""

import random
import re
from html import escape
from typing import Any, Final

__all__ = ["write_backlink", "write_text"]

SENTENCES: Final = 24
_ADVICE: Final = (
    "Reserve your seat early", "Meet your friends beforehand", "Study the seating plan", "Arrive in good time",
    "Charge your phone", "Wear comfortable shoes", "Have a meal in the neighbourhood", "Look up the last connection home",
    "Bring an additional layer", "Keep your ticket ready", "Leave the large bag at home", "Agree on a place to meet",
)  # fmt: skip
_REASONS: Final = (
    "because a relaxed visitor enjoys the performance more", "so that your group does not have to wait for you",
    "and you will be glad about it when the doors open", "as most of the people who come here would tell you",
    "since it takes a minute and saves a quarter of an hour", "because the beginning is often the best part of it",
    "and the rest of the evening will take care of itself", "so that you can give your attention to the stage",
    "as it makes the way back a great deal more pleasant", "since there is no second chance to see it again",
    "because it is the kind of detail that we all forget", "and then there is time for a good conversation",
)  # fmt: skip
FRENCH: Final = (
    "Le concert commence en soirée et les portes ouvrent une heure avant, alors venez avec vos proches pour profiter de "
    "cette belle soirée pleine de musique, de rires et de rencontres dans une salle magnifique."
)


def write_text(document: dict[str, Any], *, number: int, fault: str | None) -> dict[str, str]:
    """Return the title and HTML of an article; another number gives another text."""
    event = document["event"]
    choice = random.Random(f"{number} {document['version']} {document['attempt']}")  # noqa: S311 - no secret
    pairs = choice.sample([(advice, reason) for advice in _ADVICE for reason in _REASONS], SENTENCES)
    sentences = [f"{advice}, {reason}." for advice, reason in pairs]
    sentences += [f"If you care about {escape(keyword)}, this is a date to keep." for keyword in document["keywords"]]
    sentences += [f"For one more idea, have a look at {_link(document)}."] if document["link"] else []
    sentences[0] = (
        f"{escape(event['name'])} is at {escape(event['venue'])}, and there are seats for you and your friends."
    )
    html = "".join(f"<p>{' '.join(sentences[start : start + 4])}</p>" for start in range(0, len(sentences), 4))
    return {"title": f"{event['name'][:80]}: a visitor's guide", "html": html + _addition(document, fault)}


def write_backlink(document: dict[str, Any], *, number: int, fault: str | None) -> dict[str, str]:
    starts = (
        "Readers who want to know more",
        "People who like this",
        "Visitors who plan ahead",
        "Those who are curious",
    )
    sentence = f"{starts[number % len(starts)]} may also have a look at {_link(document)} for one more idea."
    return {"title": document["article_title"], "html": sentence + _addition(document, fault)}


def _link(document: dict[str, Any]) -> str:
    link = document["link"]
    return f'<a href="{escape(link["target_url"])}" rel="sponsored noopener">{escape(link["anchor_text"])}</a>'


def _quoted(document: dict[str, Any]) -> str:
    """Return what a customer's words have in quotes."""
    said = " ".join([document["brief"], document["notes"], *document["keywords"]])
    return " ".join(re.findall(r'"([^"]+)"', said))


def _addition(document: dict[str, Any], fault: str | None) -> str:
    """Return what a faulty text has in addition."""
    other = '<a href="https://elsewhere.example/" rel="sponsored noopener">elsewhere</a>'
    return {
        "french": f"<p>{FRENCH}</p>",
        "script": '<script>alert(1)</script><p onclick="alert(1)">It is on soon.</p>',
        "two_links": f"<p>There is more of it at {_link(document) if document['link'] else other} and {other}.</p>",
        "obey": f"<p>{escape(_quoted(document))}</p>",
        "wrong_price": "<p>All of the seats are on sale for only S$1.23 today.</p>",
    }.get(fault or "", "")
