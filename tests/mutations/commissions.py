"""Deliberate bugs in commissions: the collection of their escrows, and published articles."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

COLLECTION: Final = "tests/integration/users/test_escrow_collection.py"
ARTICLES: Final = "tests/integration/events/test_articles.py"

MUTATIONS: Final = (
    Mutation(
        name="an escrow is collected after it was returned",
        file="users/ledger/statements.py",
        before="""        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
          AND coalesce(CAST(:amount AS numeric) <= amount, true)
""",
        after="""        WHERE escrow_id = CAST(:escrow_id AS uuid) AND NOT EXISTS (SELECT FROM prior)
          AND coalesce(CAST(:amount AS numeric) <= amount, true)
""",
        caught_by=(f"{COLLECTION}::TestCollect::test_returned_escrow_is_refused_and_the_refusal_is_stored",),
        breaks=("an escrow is resolved once", "a commission is collected once, or refunded"),
    ),
    Mutation(
        name="a collected escrow is credited to an event",
        file="users/ledger/fragments.py",
        before="    \"('platform', recipient, part), ",
        after="    \"('revenue', recipient, part), ",
        caught_by=(f"{COLLECTION}::TestCollect::test_escrow_becomes_platform_revenue_once",),
    ),
    Mutation(
        name="an order does not find its article again",
        file="events/articles/statements.py",
        before="        SELECT article_id, slug FROM articles WHERE order_id = :order_id AND NOT EXISTS (SELECT FROM prior)),\n",
        after="        SELECT article_id, slug FROM articles WHERE false),\n",
        caught_by=(f"{ARTICLES}::TestPublish::test_order_has_one_article",),
    ),
    Mutation(
        name="a backlink renames the article",
        file="events/articles/statements.py",
        before="        UPDATE articles SET content = :content, updated_at = now()\n",
        after="        UPDATE articles SET title = 'Renamed', content = :content, updated_at = now()\n",
        caught_by=(f"{ARTICLES}::TestPublish::test_backlink_replaces_the_content_only",),
    ),
    Mutation(
        name="any user opens an article to backlinks",
        file="events/articles/service.py",
        before="        if not is_admin and article.owner_user_id != by.user_id:\n",
        after="        if not is_admin and article.owner_user_id is None:\n",
        caught_by=(f"{ARTICLES}::TestChange::test_only_the_owner_and_admins_open_an_article_to_backlinks",),
    ),
    Mutation(
        name="articles keep the id of a deleted owner",
        file="events/personal_data/repository.py",
        before="    disowned AS (UPDATE articles SET owner_user_id = NULL WHERE owner_user_id = :user_id)\n",
        after="    disowned AS (UPDATE articles SET owner_user_id = NULL WHERE owner_user_id IS NULL)\n",
        caught_by=(f"{ARTICLES}::TestPersonalData::test_articles_of_a_deleted_account_stay_without_owner",),
    ),
)
