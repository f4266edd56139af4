"""The built-in generator: each of its texts passes the checks, and does what was asked for."""

import re
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from common.html_text import HtmlText, sentences_of
from orchestrator.clients.events import EventFacts, VenueFacts
from orchestrator.features.commissions.adapters.builtin import BuiltinProvider
from orchestrator.features.commissions.adapters.interfaces import Draft, EventBrief, TextBrief, Tier
from orchestrator.features.commissions.adapters.likeness import likeness
from orchestrator.features.commissions.adapters.prompt import messages_for
from orchestrator.features.commissions.adapters.quality import QualityChecker, clean
from orchestrator.features.commissions.service.writing import event_brief
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
    first = (await write(article_brief())).html
    lively = plain(await write(replace(brief, notes="Please make the introduction more engaging.")))
    assert "!" in lively.removesuffix("!")
    assert "!" not in plain(await write(replace(brief, notes="It is too formal.")))
    assert "'" in plain(await write(replace(brief, notes="Less formal, please."))).replace("event's", "")
    lengths = [
        len(plain(await write(replace(brief, notes=notes))).split()) for notes in ("Make it shorter", "", "Longer")
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] - lengths[0] > 60
    for notes, tone in {
        "It is not lively enough.": "!",
        "It is too formal.": "'",
        "It isn't long enough, but too lively.": "",
        "No changes except a more exciting opening.": "!",
    }.items():
        opening = (await write(replace(brief, notes=notes, previous_html=first))).html.partition("<h2>")[0]
        assert ("!" in opening) == (tone == "!")
    too_long, too_short = [
        len(plain(await write(replace(brief, notes=notes))).split()) for notes in ("The text is too long", "Too short")
    ]
    assert (too_long, too_short) == (lengths[0], lengths[2])
    kept = await write(replace(brief, version=3, notes="Shorter, please.", previous_html=f"<p>{lively}</p>"))
    assert "!" in kept.html
    about_travel = await write(replace(brief, review_notes="Say something about getting there by train."))
    assert any(heading in about_travel.html for heading in ("Getting there", "The way to", "Planning the journey"))


async def test_each_revision_keeps_what_the_ones_before_asked_for() -> None:
    """The notes of all revisions count: a livelier opening stays lively, and a short text short."""
    livelier, shorter, where = "Please make the opening livelier.", "Shorter, please.", "Say more about the venue."
    brief, notes = article_brief(version=1), [livelier, shorter, livelier, where]
    versions = [await write(brief)]
    for number, asked in enumerate(notes):
        brief = replace(
            brief,
            version=number + 2,
            notes=asked,
            earlier_notes=tuple(notes[:number]),
            previous_html="" if asked == where else versions[-1].html,  # also if it no longer shows its tone
        )
        versions.append(await write(brief))
    lengths = [len(plain(version).split()) for version in versions]
    assert all("!" in version.html for version in versions[1:])
    assert "!" not in versions[0].html
    assert max(lengths[2:]) < min(lengths[:2])
    assert len({version.html for version in versions}) == len(versions)


@pytest.mark.parametrize("version", range(1, 20))
async def test_no_backlink_repeats_an_earlier_version(version: int) -> None:
    brief = backlink_brief(version=version)
    earlier = [(await write(replace(brief, version=number))).html for number in range(1, version)]
    draft = await write(brief)
    assert CHECKER.check(draft, brief, earlier=earlier).report.findings == ()
    repeated = CHECKER.check(draft, brief, earlier=[*earlier, draft.html]).report
    assert repeated.findings == ("The sentence is that of an earlier version.",)


@pytest.mark.parametrize("available", [0, 1, 10])
@pytest.mark.parametrize("categories", [1, 2])
async def test_articles_state_what_can_still_be_bought(available: int, categories: int) -> None:
    """No reader is told to buy what is sold, held or blocked, and one seat is no seats."""
    tier = Tier(category="Stalls", price=Decimal(80), total=20, sold=1, available=available)
    event = replace(
        EVENTS["three categories"], doors_open_at=None, tiers=(tier, replace(tier, category="Circle"))[:categories]
    )
    said = "\n".join([plain(await write(article_brief(event, order_id=uuid.UUID(int=seed)))) for seed in range(SEEDS)])
    assert not re.search(
        r"\b1 (?:available )?seats\b|\b1 of \d+ seats (?:are|have)\b|\b[Aa]ll 1\b|\b[Aa] evening", said
    )
    assert not re.search(
        "[Cc]hoose (?:a|your) seat|[Pp]ick (?:a|your)|seating plan|position of the seat|[Dd]oors open at", said
    )
    is_sold_out = re.search("sold out|already been taken|available any more", said)
    is_on_sale = re.search(r"\d of \d+ seats|still available|available right now|you (?:book|order)", said)
    assert (bool(is_sold_out), bool(is_on_sale)) == (not available, bool(available))


@pytest.mark.parametrize("has_doors_time", [True, False])
async def test_assumed_doors_time_is_no_fact(*, has_doors_time: bool) -> None:
    starts_at = datetime(2027, 2, 27, 12, 0, tzinfo=UTC)
    event = EventFacts(
        event_id=uuid.uuid4(),
        name="Jazz at the Bay",
        status="PUBLISHED",
        venue=VenueFacts(venue_id=uuid.uuid4(), name="Esplanade", address="1 Esplanade Drive"),
        hall_id="HALL-A",
        event_date=starts_at,
        doors_open_at=starts_at - timedelta(hours=2),
        has_doors_time=has_doors_time,
        total_seats=0,
        pricing_tiers={},
    )
    brief = article_brief(event_brief(event, ()))
    assert ("6 pm" in plain(await write(brief))) == has_doors_time
    [_, user] = messages_for(brief)
    assert ("T18:00" in user["content"]) == has_doors_time


async def test_title_has_no_tags() -> None:
    event = replace(EVENTS["three categories"], name="The <b>Big</b> Night: 5 < 6")
    for seed in range(SEEDS):
        title = (await write(article_brief(event, order_id=uuid.UUID(int=seed)))).title
        assert "The Big Night: 5 6" in title


async def test_paid_link_and_keywords_end_their_section() -> None:
    brief = article_brief(link=LINK, notes="Longer, please.")
    for seed in range(SEEDS):
        html = (await write(replace(brief, order_id=uuid.UUID(int=seed)))).html
        section = next(part for part in html.split("<h2>") if LINK.anchor_text in part)
        last = sentences_of(HtmlText.of(section).blocks[-1].text)[-3:]
        assert any(LINK.anchor_text in sentence for sentence in last)
        assert all(
            any(word in s for word in (LINK.anchor_text, *brief.keywords))
            for s in last[last.index(next(s for s in last if LINK.anchor_text in s)) :]
        )


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
