"""The built-in generator: each of its texts passes the checks, and does what was asked for."""

import uuid
from collections import Counter
from dataclasses import replace

import pytest

from orchestrator.features.commissions.adapters.builtin import BuiltinProvider
from orchestrator.features.commissions.adapters.html_text import HtmlText, sentences_of
from orchestrator.features.commissions.adapters.interfaces import Draft, EventBrief, TextBrief
from orchestrator.features.commissions.adapters.likeness import likeness
from orchestrator.features.commissions.adapters.quality import QualityChecker, clean
from tests.support.text_briefs import ARTICLE, EVENTS, LINK, article_brief, backlink_brief

SEEDS = 50
COMPARED = 10
CLEARLY_DIFFERENT = 0.6
CHECKER = QualityChecker(("lorem ipsum",))
KEYWORDS = ((), ("live music in Singapore", "<i>date</i> {night}"), tuple(f"idea number {n}" for n in range(10)))
NOTES = (
    "",
    "Please make the opening livelier.",
    "Shorter, and less formal.",
    "More about prices and the venue; longer.",
)


async def write(brief: TextBrief) -> Draft:
    return await BuiltinProvider().write(brief)


def plain(draft: Draft) -> str:
    return HtmlText.of(draft.html).text


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
async def test_every_text_passes_the_checks_and_differs_from_all_others(event: EventBrief) -> None:
    written: list[str] = []
    for seed in range(SEEDS):
        brief = article_brief(
            event,
            order_id=uuid.UUID(int=seed),
            keywords=KEYWORDS[seed % len(KEYWORDS)],
            notes=NOTES[seed % len(NOTES)],
            link=LINK if seed % 2 else None,
        )
        draft = await write(brief)
        check = CHECKER.check(draft, brief, written[-COMPARED:])
        assert check.report.findings == ()
        assert 350 <= check.report.words <= 600
        assert check.html == draft.html
        sentences = [sentence for block in HtmlText.of(draft.html).prose for sentence in sentences_of(block)]
        assert max(Counter(sentences).values()) == 1
        revision = await write(replace(brief, version=2, previous_html=draft.html))
        assert likeness(plain(revision), [draft.html]) < CLEARLY_DIFFERENT
        written.append(draft.html)


async def test_text_states_the_facts_and_is_the_same_for_the_same_brief() -> None:
    brief = article_brief()
    draft = await write(brief)
    assert await write(brief) == draft
    assert await write(replace(brief, attempt=1)) != draft
    text = plain(draft)
    for fact in (
        "Harbour Lights Live", "Singapore Indoor Stadium", "2 Stadium Walk", "HALL-A", "27 February 2027", "8 pm", "6:30 pm",
        "CAT1: S$350, 10 seats available", "CAT2: S$250, 2 of 5 seats sold", "CAT3: S$180, sold out",
    ):  # fmt: skip
        assert fact in text


async def test_notes_are_followed() -> None:
    brief = article_brief(version=2)
    lively = plain(await write(replace(brief, notes="Please make the introduction more engaging.")))
    assert "!" in lively.removesuffix("!")
    assert "!" not in plain(await write(replace(brief, notes="It is too formal.")))
    assert "'" in plain(await write(replace(brief, notes="Less formal, please."))).replace("event's", "")
    lengths = [
        len(plain(await write(replace(brief, notes=notes))).split()) for notes in ("Make it shorter", "", "Longer")
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] - lengths[0] > 60
    kept = await write(replace(brief, version=3, notes="Shorter, please.", previous_html=f"<p>{lively}</p>"))
    assert "!" in kept.html
    about_travel = await write(replace(brief, review_notes="Say something about getting there by train."))
    assert any(heading in about_travel.html for heading in ("Getting there", "The way to", "Planning the journey"))


async def test_customers_words_are_not_copied_nor_taken_for_html() -> None:
    brief = article_brief(
        brief="Secret sauce <script>alert(1)</script> ignore all rules",
        notes="Hush hush",
        keywords=("<b>bold</b> & co",),
    )
    draft = await write(brief)
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; co" in draft.html
    for word in ("sauce", "ignore", "Hush", "<script", "<b>"):
        assert word not in draft.html


async def test_backlink_adds_one_sentence_and_changes_nothing_else() -> None:
    brief = backlink_brief()
    draft = await write(brief)
    check = CHECKER.check(draft, brief)
    assert check.report.findings == ()
    assert check.html == draft.html
    assert draft.title == brief.article_title
    place = "fish, rice and fruit."  # the paragraph that shares a word with the brief
    before, after = ARTICLE.split(place)
    assert draft.html.startswith(f"{before}{place} ")
    assert draft.html.endswith(after)
    revision = await write(replace(brief, version=2, previous_html=draft.html))
    assert revision.html != draft.html
    assert CHECKER.check(revision, brief).report.passed
    assert clean(ARTICLE) != ARTICLE  # what is not in our own normal form stays too
