"""Published articles: what the orchestrator publishes and reads, what the public sees, what owners change (C1, C4)."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from common.auth.principal import Role
from common.db.engine import Database
from tests.integration.events.catalogue import CatalogueCaller
from tests.integration.events.stage import refused
from tests.integration.events.test_audit import actions_on
from tests.support.callers import Caller, new_id
from tests.support.user_tokens import UserTokenMint

CONTENT = "<p>The lights go down.</p>"


class Publisher:
    """Publishes and reads articles as the orchestrator does."""

    def __init__(self, orchestrator: Caller, event_id: str) -> None:
        self.orchestrator = orchestrator
        self.event_id = event_id

    async def publish(self, title: str = "An evening by the bay", **changes: Any) -> httpx.Response:
        body = {"request_id": new_id(), "order_id": new_id(), "owner_user_id": new_id(), "event_id": self.event_id}
        return await self.orchestrator.post(
            "/internal/articles", {**body, "title": title, "content": CONTENT, **changes}
        )

    async def published(self, title: str = "An evening by the bay", **changes: Any) -> dict[str, str]:
        answer = await self.publish(title, **changes)
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()["data"]
        return found

    async def find(self, article_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.orchestrator.get(f"/internal/articles/{article_id}")).json()["data"]
        return found


@pytest.fixture
async def publisher(catalogue: CatalogueCaller) -> Publisher:
    event = await catalogue.published()
    return Publisher(catalogue.orchestrator, event["event_id"])


def unique_title() -> str:
    return f"Night {uuid.uuid4().hex}"


class TestPublish:
    async def test_new_article_has_what_was_ordered(self, publisher: Publisher) -> None:
        owner, title = new_id(), unique_title()

        published = await publisher.published(title, owner_user_id=owner, links_allowed=True)

        found = await publisher.find(published["article_id"])
        assert found.pop("published_at") == found.pop("updated_at")
        assert found == published | {
            "title": title,
            "content": CONTENT,
            "owner_user_id": owner,
            "event_id": publisher.event_id,
            "links_allowed": True,
        }

    @pytest.mark.parametrize(
        ("title", "slug"),
        [
            ("Café Été: 3 Nights, “live”!", "cafe-ete-3-nights-live"),
            ("夜の海", "event"),
            ("word " * 40, "-".join(["word"] * 16)),
        ],
    )
    async def test_slug_is_the_titles_words(self, publisher: Publisher, title: str, slug: str) -> None:
        assert (await publisher.published(title))["slug"] == slug

    async def test_repetition_returns_the_first_slug(self, publisher: Publisher) -> None:
        title, same = unique_title(), {"request_id": new_id(), "order_id": new_id(), "owner_user_id": new_id()}
        first, second = await publisher.published(title, **same), await publisher.published(title, **same)
        other = await publisher.publish(title, **same, content="<p>Other.</p>")

        assert first == second
        assert refused(other) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_order_has_one_article(self, publisher: Publisher) -> None:
        """Even if its request is forgotten."""
        order_id = new_id()
        first = await publisher.published(unique_title(), order_id=order_id)
        assert await publisher.published(unique_title(), order_id=order_id) == first

    async def test_equal_titles_at_once_get_slugs_of_their_own(self, publisher: Publisher) -> None:
        title = unique_title()

        found = await asyncio.gather(*(publisher.published(title) for _ in range(12)))

        base = title.lower().replace(" ", "-")
        assert {each["slug"] for each in found} == {base, *(f"{base}-{number}" for number in range(2, 13))}
        assert len({each["article_id"] for each in found}) == 12

    async def test_copies_of_a_request_at_once_publish_once(self, publisher: Publisher) -> None:
        title, same = unique_title(), {"request_id": new_id(), "order_id": new_id(), "owner_user_id": new_id()}
        found = await asyncio.gather(*(publisher.published(title, **same) for _ in range(8)))
        assert {each["slug"] for each in found} == {title.lower().replace(" ", "-")}

    async def test_unknown_event_and_draft_are_refused_and_the_refusal_is_stored(
        self, publisher: Publisher, catalogue: CatalogueCaller
    ) -> None:
        draft = await catalogue.drafted()
        for event_id in (new_id(), draft["event_id"]):
            answer = await publisher.publish(event_id=event_id)
            assert refused(answer) == (404, "EVENT_NOT_FOUND")
            assert answer.headers["x-refusal-remembered"] == "true"

    async def test_backlink_replaces_the_content_only(self, publisher: Publisher) -> None:
        first = await publisher.published(unique_title(), links_allowed=True)
        before = await publisher.find(first["article_id"])
        linked = f'{CONTENT}<p>See <a href="https://sponsor.example">the sponsor</a>.</p>'
        body = {"article_id": first["article_id"], "event_id": None, "content": linked, "request_id": new_id()}

        answers = [await publisher.published("Renamed", **body) for _ in range(2)]

        after = await publisher.find(first["article_id"])
        assert answers == [first, first]
        assert after["updated_at"] > before["updated_at"]
        assert after == before | {"content": linked, "updated_at": after["updated_at"]}

    async def test_backlink_into_an_unknown_article_is_refused(self, publisher: Publisher) -> None:
        answer = await publisher.publish(article_id=new_id(), event_id=None)
        assert refused(answer) == (404, "NOT_FOUND")
        assert answer.headers["x-refusal-remembered"] == "true"


class TestSimilar:
    async def test_articles_about_the_event_come_first_then_the_newest(
        self, publisher: Publisher, catalogue: CatalogueCaller
    ) -> None:
        about = [(await publisher.published(unique_title()))["article_id"] for _ in range(2)]
        elsewhere = Publisher(catalogue.orchestrator, (await catalogue.published())["event_id"])
        newest = (await elsewhere.published(unique_title()))["article_id"]

        of_event = await catalogue.orchestrator.get("/internal/articles", limit=3, event_id=publisher.event_id)
        of_any = await catalogue.orchestrator.get("/internal/articles", limit=1)

        assert [each["article_id"] for each in of_event.json()["data"]] == [*reversed(about), newest]
        assert [(each["article_id"], each["content"]) for each in of_any.json()["data"]] == [(newest, CONTENT)]


class TestReading:
    async def test_list_has_the_events_articles_newest_first(self, publisher: Publisher, anonymous: Caller) -> None:
        slugs = [(await publisher.published(unique_title()))["slug"] for _ in range(3)]

        page = (await anonymous.get("/api/articles", event_id=publisher.event_id, per_page=2)).json()

        assert [each["slug"] for each in page["data"]] == [slugs[2], slugs[1]]
        assert page["pagination"]["total"] == 3
        assert page["data"][0].keys() == {"article_id", "slug", "title", "event_id", "links_allowed", "published_at"}

    async def test_public_sees_the_article_but_not_its_owner(self, publisher: Publisher, anonymous: Caller) -> None:
        published = await publisher.published(unique_title())

        shown = (await anonymous.get(f"/api/articles/{published['slug']}")).json()["data"]

        found = await publisher.find(published["article_id"])
        assert shown == {name: value for name, value in found.items() if name != "owner_user_id"}
        assert refused(await anonymous.get("/api/articles/no-such-article")) == (404, "NOT_FOUND")
        assert refused(await anonymous.get("/api/articles/No_Slug")) == (400, "VALIDATION_ERROR")

    async def test_event_names_its_newest_twenty(self, publisher: Publisher, catalogue: CatalogueCaller) -> None:
        titles = [unique_title() for _ in range(21)]
        slugs = [(await publisher.published(title))["slug"] for title in titles]

        detail = (await catalogue.find(publisher.event_id)).json()["data"]

        newest_first = list(zip(slugs, titles, strict=True))[:0:-1]
        assert [(each["slug"], each["title"]) for each in detail["articles"]] == newest_first
        [listed] = (await catalogue.look_up(publisher.event_id)).json()["data"]
        assert "articles" not in listed


class TestChange:
    async def test_only_the_owner_and_admins_open_an_article_to_backlinks(
        self, *, app: FastAPI, mint: UserTokenMint, publisher: Publisher, anonymous: Caller
    ) -> None:
        owner = uuid.uuid4()
        published = await publisher.published(unique_title(), owner_user_id=str(owner))
        article_id = published["article_id"]
        path, opened = f"/api/articles/{published['slug']}", {"links_allowed": True}
        assert (await anonymous.request("PATCH", path, json=opened)).status_code == 401
        for roles in [(Role.CUSTOMER,), (Role.STAFF, Role.ORGANISER, Role.PERFORMER)]:
            async with Caller(app, mint.token(uuid.uuid4(), *roles)) as stranger:
                assert refused(await stranger.request("PATCH", path, json=opened)) == (403, "FORBIDDEN")
        assert (await publisher.find(article_id))["links_allowed"] is False

        async with Caller(app, mint.token(owner, Role.CUSTOMER)) as customer:
            changed = await customer.request("PATCH", path, json=opened)
            unknown = await customer.request("PATCH", "/api/articles/no-such-article", json=opened)
            malformed = await customer.request("PATCH", path, json={**opened, "title": "New"})

        assert changed.json()["data"]["links_allowed"] is True
        assert "owner_user_id" not in changed.json()["data"]
        assert [refused(unknown), refused(malformed)] == [(404, "NOT_FOUND"), (400, "VALIDATION_ERROR")]
        assert (await publisher.find(article_id))["links_allowed"] is True

    async def test_admins_change_is_on_the_audit_trail(
        self, publisher: Publisher, admin: Caller, database: Database
    ) -> None:
        published = await publisher.published(unique_title())
        article_id = published["article_id"]

        changed = await admin.request("PATCH", f"/api/articles/{published['slug']}", json={"links_allowed": True})

        assert changed.json()["data"]["links_allowed"] is True
        change = ("article.change", {"links_allowed": False}, {"links_allowed": True})
        assert await actions_on(database, article_id) == [change]


class TestPersonalData:
    async def test_articles_of_a_deleted_account_stay_without_owner(
        self, publisher: Publisher, catalogue: CatalogueCaller
    ) -> None:
        owner, other = new_id(), new_id()
        own, others = [
            (await publisher.published(unique_title(), owner_user_id=user))["article_id"] for user in (owner, other)
        ]
        section = f"/internal/personal-data/{owner}/articles"

        exported = (await catalogue.orchestrator.get(section)).json()["data"]["items"]
        await catalogue.orchestrator.post(f"/internal/personal-data/{owner}/erase", {})

        assert [(each["article_id"], each["content"]) for each in exported] == [(own, CONTENT)]
        assert (await publisher.find(own))["owner_user_id"] is None
        assert (await publisher.find(others))["owner_user_id"] == other
        assert (await catalogue.orchestrator.get(section)).json()["data"]["items"] == []
