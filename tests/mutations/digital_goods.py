"""Deliberate bugs in digital goods: the stock of products, and the collection of a part of an escrow."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

PART: Final = "tests/integration/users/test_escrow_collection.py::TestCollectPart"
PRODUCTS: Final = "tests/integration/events/test_products.py"

MUTATIONS: Final = (
    Mutation(
        name="the platform keeps what was not delivered",
        file="users/ledger/statements.py",
        before="                  coalesce(CAST(:amount AS numeric), amount) AS part),\n",
        after="                  amount AS part),\n",
        caught_by=(f"{PART}::test_one_movement_pays_the_platform_and_returns_the_rest",),
    ),
    Mutation(
        name="more than an escrow has is collected from it",
        file="users/ledger/statements.py",
        before="          AND coalesce(CAST(:amount AS numeric) <= amount, true)\n",
        after="",
        caught_by=(f"{PART}::test_more_than_the_escrow_is_refused_and_leaves_it_held",),
    ),
    Mutation(
        name="an order takes more than the stock",
        file="events/products/statements.py",
        before="        WHERE locked.is_active IS NOT TRUE OR remaining < 0\n",
        after="        WHERE locked.is_active IS NOT TRUE OR stock < 0\n",
        caught_by=(f"{PRODUCTS}::TestTakingStock::test_all_products_are_taken_or_none",),
    ),
    Mutation(
        name="an order takes what is in stock and leaves the rest out",
        file="events/products/statements.py",
        before="        WHERE products.product_id = locked.product_id AND remaining IS NOT NULL AND EXISTS (SELECT FROM allowed)\n",
        after="        WHERE products.product_id = locked.product_id AND remaining >= 0\n",
        caught_by=(f"{PRODUCTS}::TestTakingStock::test_all_products_are_taken_or_none",),
    ),
    Mutation(
        name="stock is returned by each undo",
        file="events/products/statements.py",
        before="        WHERE request_id = :undoes_request_id AND returned_at IS NULL AND NOT EXISTS (SELECT FROM prior)\n",
        after="        WHERE request_id = :undoes_request_id AND NOT EXISTS (SELECT FROM prior)\n",
        caught_by=(f"{PRODUCTS}::TestReturningStock::test_what_the_request_took_is_returned_once",),
    ),
    Mutation(
        name="an inactive product is sold",
        file="events/products/statements.py",
        before="        WHERE locked.is_active IS NOT TRUE OR remaining < 0\n",
        after="        WHERE locked.is_active IS NULL OR remaining < 0\n",
        caught_by=(f"{PRODUCTS}::TestTakingStock::test_unknown_and_inactive_products_are_refused",),
    ),
)
