"""Published articles through the gateway (C4)."""

from devstack.seed import CONCERT_ID
from devstack.seed_articles import CLOSED_ARTICLE_ID
from tests.e2e.conftest import MakeFan
from tests.e2e.user_client import UserClient


async def test_event_leads_to_its_articles(anonymous: UserClient) -> None:
    detail = (await anonymous.get(f"/events/{CONCERT_ID}", include_seats="false")).data
    listed = (await anonymous.get("/articles", event_id=str(CONCERT_ID))).data
    assert len(detail["articles"]) >= 2
    assert [each["slug"] for each in detail["articles"]] == [each["slug"] for each in listed]
    for each in detail["articles"]:
        shown = (await anonymous.get(f"/articles/{each['slug']}")).data
        assert (shown["title"], shown["event_id"]) == (each["title"], str(CONCERT_ID))
        assert shown["content"].startswith("<p>")


async def test_stranger_does_not_open_an_article_to_backlinks(
    anonymous: UserClient, admin: UserClient, new_fan: MakeFan
) -> None:
    articles = (await anonymous.get("/articles", event_id=str(CONCERT_ID))).data
    [closed] = [each for each in articles if each["article_id"] == str(CLOSED_ARTICLE_ID)]
    path, stranger = f"/articles/{closed['slug']}", await new_fan()

    assert (await stranger.call("PATCH", path, {"links_allowed": True})).refused() == (403, "FORBIDDEN")
    assert (await anonymous.get(path)).data["links_allowed"] is False
    unchanged = await admin.call("PATCH", path, {"links_allowed": False})
    assert (unchanged.status, unchanged.data["links_allowed"]) == (200, False)
