"""Deliberate bugs in performers' profiles and menus: whose they are, how many there are, and who sees what."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

MENUS: Final = "tests/integration/events/test_menus.py"
FACTS: Final = "tests/integration/events/test_menu_facts.py"
REPOSITORY: Final = "events/menus/repository/menus.py"

MUTATIONS: Final = (
    Mutation(
        name="a performer changes another's menu",
        file=REPOSITORY,
        before="        return and_(menus.c.performer_id == performer_id, menus.c.kind == self.kind.value, ~menus.c.is_deleted)\n",
        after="        return and_(menus.c.kind == self.kind.value, ~menus.c.is_deleted)\n",
        caught_by=(f"{MENUS}::TestOwnership::test_another_performers_menus_are_unknown",),
    ),
    Mutation(
        name="a performer changes an item of another's menu",
        file=REPOSITORY,
        before="        wanted = and_(menu_items.c.item_id == item_id, of_menu, *conditions)\n",
        after="        wanted = and_(menu_items.c.item_id == item_id, *conditions)\n",
        caught_by=(f"{MENUS}::TestOwnership::test_another_performers_menus_are_unknown",),
    ),
    Mutation(
        name="a performer lets users see another's private menu",
        file="events/menus/service.py",
        before='            TooManyWhitelistedUsers: it has 1,000.\n        """\n        await self._menus.require(actor, menu_id)\n',
        after='            TooManyWhitelistedUsers: it has 1,000.\n        """\n',
        caught_by=(
            "tests/integration/events/test_whitelists.py::TestWhitelist::test_another_performers_whitelist_is_unknown",
        ),
    ),
    Mutation(
        name="concurrent requests exceed the number of menus",
        file=REPOSITORY,
        before="(await connection.execute(row.with_for_update(key_share=True))).first() is None",
        after="(await connection.execute(row)).first() is None",
        caught_by=(f"{MENUS}::TestMenus::test_twenty_menus_of_a_kind_are_the_most",),
    ),
    Mutation(
        name="a repeated request makes a second menu",
        file=REPOSITORY,
        before="            done = await load_result(connection, request)\n",
        after="            done = None\n",
        caught_by=(f"{MENUS}::TestIdempotencyKey::test_repeated_creation_returns_the_first_answer",),
    ),
    Mutation(
        name="a lower price keeps the bonus points of a higher one",
        file=REPOSITORY,
        before="        _require_few_points({**before, **changes})\n",
        after="        _require_few_points(before)\n",
        caught_by=(f"{MENUS}::TestItems::test_price_bounds_the_bonus_points",),
    ),
    Mutation(
        name="a performer reactivates what an admin has deactivated",
        file="events/performers/schemas.py",
        before='            return {**changes, "is_blocked": not changes["is_active"]}\n',
        after="            return changes\n",
        caught_by=(
            f"{MENUS}::TestOwnership::test_only_an_admin_reactivates_what_an_admin_deactivated",
            "tests/integration/events/test_performers.py::TestProfile::test_only_an_admin_reactivates_what_an_admin_deactivated",
        ),
    ),
    Mutation(
        name="an item of an inactive performer is for sale",
        file="events/menus/repository/facts.py",
        before="menu.is_active AND NOT menu.is_deleted AND performer.is_active\n            AS is_active,",
        after="menu.is_active AND NOT menu.is_deleted\n            AS is_active,",
        caught_by=(f"{FACTS}::TestItemFacts::test_item_is_inactive_if_its_menu_or_performer_is",),
    ),
    Mutation(
        name="a whitelist admits every buyer",
        file="events/menus/repository/facts.py",
        before=" AND entry.user_id = :user_id)",
        after=")",
        caught_by=(f"{FACTS}::TestItemFacts::test_whitelisted_buyer",),
    ),
    Mutation(
        name="an admin's change of a menu is not on the audit trail",
        file="events/audit.py",
        before="    if not actor.is_admin:\n",
        after="    if True:\n",
        caught_by=("tests/integration/events/test_audit.py",),
    ),
)
