"""Deliberate bugs in how the codes of digital goods are sealed, read and rewrapped."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

CODES: Final = "orchestrator/features/digital_goods/service/codes.py"
READING: Final = "orchestrator/features/digital_goods/service/reading.py"
STORING_TESTS: Final = "tests/integration/digital_goods/test_codes.py"
READING_TESTS: Final = "tests/integration/digital_goods/test_reading.py"

MUTATIONS: Final = (
    Mutation(
        name="codes are stored as they are",
        file=CODES,
        before="        stored = document if self.is_presigned else self.sealer.seal(document, context=_order(order_id))\n",
        after="        stored = document\n",
        caught_by=(f"{STORING_TESTS}::test_stored_codes_are_sealed_and_read_in_the_order_of_the_items",),
        breaks=(
            "codes in a stolen bucket, database or backup: each object has a data key, wrapped by a key kept elsewhere",
        ),
    ),
    Mutation(
        name="the sealed code of an item opens as that of another one",
        file=CODES,
        before='    return f"digital item {item_id}"\n',
        after='    return "digital item" if item_id else ""\n',
        caught_by=(f"{STORING_TESTS}::test_codes_of_one_item_do_not_open_as_another_ones",),
        breaks=("a sealed code put in the place of another: what it is for is authenticated",),
    ),
    Mutation(
        name="a rotation leaves objects under the former key",
        file=CODES,
        before="        await self.storage.put(name, rewrapped, metadata=_metadata(order_id))\n",
        after="",
        caught_by=(f"{STORING_TESTS}::test_open_orders_move_to_a_new_key",),
        breaks=("a key-encryption key that leaks: it is rotated while orders are open",),
    ),
    Mutation(
        name="links to codes are neither signed nor limited in time",
        file="orchestrator/features/digital_goods/adapters/links.py",
        before='                options={"require": ["aud", "sub", "exp"]},\n',
        after='                options={"verify_signature": False},\n',
        caught_by=(f"{READING_TESTS}::test_links_that_are_expired_tampered_or_led_to_deleted_codes_are_refused",),
        breaks=("a forged or old link to codes: it is signed, and expires",),
    ),
    Mutation(
        name="admins read the codes of any order",
        file=READING,
        before="        if order.buyer_user_id != user.user_id:\n",
        after="        if not user.may_act_for(order.buyer_user_id):\n",
        caught_by=(f"{READING_TESTS}::test_codes_are_for_their_buyer_and_not_even_for_admins",),
        breaks=("codes read by another user or an admin: only their buyer reads them",),
    ),
    Mutation(
        name="codes are revealed any number of times",
        file=READING,
        before="        await self._limit(REVEAL, order_id, user)\n",
        after="",
        caught_by=(f"{READING_TESTS}::test_ten_reveals_an_hour_even_if_they_are_sent_at_once",),
        breaks=("codes revealed again and again: a limit per order, counted on the audit trail",),
    ),
    Mutation(
        name="codes behind a link of the storage are kept for ever",
        file=READING,
        before="        await self.codes.orders.note_download(order_id)\n        return DownloadLink",
        after="        return DownloadLink",
        caught_by=(f"{READING_TESTS}::test_presigned_link_leads_to_the_storage_and_old_sealed_objects_to_the_gateway",),
        breaks=("a link of the storage, whose use no one reports: its codes count as downloaded",),
    ),
)
