"""Two published articles about the seeded concert, one of them open to backlinks. What exists already stays as it is."""

import uuid
from typing import Final, NamedTuple

from sqlalchemy.dialects.postgresql import insert

from common.db.engine import Database
from events.articles.models import articles

__all__ = ["CLOSED_ARTICLE_ID", "OPEN_ARTICLE_ID", "seed_articles"]

OPEN_ARTICLE_ID: Final = uuid.UUID("a7a7a7a7-a7a7-a7a7-a7a7-a7a7a7a7a7a1")
CLOSED_ARTICLE_ID: Final = uuid.UUID("a7a7a7a7-a7a7-a7a7-a7a7-a7a7a7a7a7a2")


class _Article(NamedTuple):
    article_id: uuid.UUID
    slug: str
    title: str
    links_allowed: bool
    content: str


ARTICLES: Final = (
    _Article(
        OPEN_ARTICLE_ID,
        "an-evening-at-harbour-lights-live",
        "An evening at Harbour Lights Live",
        links_allowed=True,
        content="""
<p>Harbour Lights Live opens with a single lamp. A technician carries it across the dark stage, sets it down, and leaves. Only
then does the first chord arrive, so softly that the front rows lean forward to be sure of it.</p>
<h2>A small hall with a long memory</h2>
<p>Hall A of the Singapore Indoor Stadium is laid out in four short rows for this concert. No seat is far from the players. You see
the drummer count, you hear the singer breathe, and when the bass enters you feel it in the armrest before you hear it.</p>
<p>The first half belongs to songs about the water: ferries at dawn, a pier that was taken down, a letter read on deck. The second
half turns to the city. Here the band plays louder, and the lamp from the opening returns, hung high above the keys.</p>
<h2>Before you go</h2>
<ul>
<li>Come half an hour early. The doors are wide, but the queue for the cloakroom is not.</li>
<li>Rows A and B are closest to the strings; row D hears the whole band best.</li>
<li>Keep your phone charged, because your ticket is a code on its screen.</li>
</ul>
<p>The encore is short. When the lamp goes out, stay a moment longer in your seat: the silence was rehearsed as well.</p>
""".strip(),
    ),
    _Article(
        CLOSED_ARTICLE_ID,
        "five-questions-for-the-people-behind-harbour-lights-live",
        "Five questions for the people behind Harbour Lights Live",
        links_allowed=False,
        content="""
<p>We met the crew on the afternoon of a rehearsal, between a broken cable and a tray of curry puffs. They had ten minutes for
us and gave us forty.</p>
<h2>Why such a small room?</h2>
<p>“Twenty seats change how you play,” says the sound engineer. “A mistake is heard by everyone, so none of us hides. We stopped using
two of the monitors on the second day.”</p>
<h2>What does the light do?</h2>
<p>It follows the tide tables. Each number has a height of water, and the colour on the back wall rises or falls with it. Most
guests never notice, and that suits the designer well.</p>
<h2>Who chose the order of the songs?</h2>
<p>The pianist did, with paper cards on the kitchen floor. One card was lost under the fridge, which is why the waltz now comes
after the interval.</p>
<h2>What goes wrong most often?</h2>
<p>Humidity. The violins are tuned four times before the doors open, and once more when the air conditioning settles.</p>
<h2>And what should the audience bring?</h2>
<p>“A jacket and some patience,” the stage manager answers. “The quiet parts are worth it.”</p>
""".strip(),
    ),
)


async def seed_articles(database: Database, *, event_id: uuid.UUID, owner_user_id: uuid.UUID) -> None:
    """Add what is missing. The articles belong to no order."""
    for article in ARTICLES:
        row = article._asdict() | {"event_id": event_id, "owner_user_id": owner_user_id}
        await database.execute(insert(articles).values(row).on_conflict_do_nothing())
