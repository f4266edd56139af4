"""Deliberate bugs in orders of digital goods."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

FOLDER: Final = "tests/integration/orders/digital_orders"
MOVES: Final = f"{FOLDER}/test_moves.py"
ENDS: Final = f"{FOLDER}/test_ends.py"
CODES: Final = f"{FOLDER}/test_codes.py"
ERASED: Final = "tests/integration/orders/test_personal_data.py::TestDigitalOrders"
STATEMENTS: Final = "orders/digital_orders/statements.py"
RACES: Final = "tests/contracts/test_digital_order_races.py"
KNOWN: Final = "tests/security/test_known_codes.py"

MUTATIONS: Final = (
    Mutation(
        name="a buyer opens unpaid orders at once, and more than allowed",
        file="orders/migrations/versions/0013_digital_orders.py",
        before="        PERFORM pg_advisory_xact_lock(hashtextextended('unpaid digital orders ' || asked_user_id, 0));\n",
        after="",
        caught_by=(f"{MOVES}::TestOpen::test_buyer_has_three_unpaid_crypto_orders_at_most",),
    ),
    Mutation(
        name="items of a digital order change without its lock",
        file=STATEMENTS,
        before="FROM digital_orders WHERE order_id = :order_id AND status <> 'OPENING' FOR UPDATE\n",
        after="FROM digital_orders WHERE order_id = :order_id AND status <> 'OPENING'\n",
        caught_by=(f"{MOVES}::TestItems::test_items_that_are_reserved_at_once_let_the_order_wait",),
        breaks=("items of a digital order are reserved, delivered and failed in any order, twice, or at once",),
    ),
    Mutation(
        name="a code is charged that the stored object lacks",
        file=STATEMENTS,
        before="WHERE {_ITEM} AND {_UNDECIDED} AND (item.{_IS_OPEN} OR item.status = 'FAILED' AND (",
        after="WHERE {_ITEM} AND {_UNDECIDED} AND (item.{_IS_OPEN} OR item.status = 'FAILED' AND (true OR ",
        caught_by=(f"{MOVES}::TestItems::test_code_that_the_stored_object_may_lack_is_refunded",),
    ),
    Mutation(
        name="codes of a refunded order are stored",
        file=STATEMENTS,
        before="""_UNDECIDED: Final = _of_order("'PAID', 'WAITING', 'FAILED'")""",
        after="""_UNDECIDED: Final = _of_order("'PAID', 'WAITING', 'FAILED', 'REFUNDED'")""",
        caught_by=(f"{ENDS}::test_what_comes_late_changes_nothing",),
        breaks=("a digital order ends while its codes arrive",),
    ),
    Mutation(
        name="an order is ready while an item is open",
        file=STATEMENTS,
        before='only=f"NOT {_has_item(_IS_OPEN)} AND {_has_item(_IS_READY)}"',
        after='only=f"{_has_item(_IS_READY)}"',
        caught_by=(f"{MOVES}::TestItems::test_ready_once_no_item_is_open_and_one_has_codes",),
    ),
    Mutation(
        name="an order fails whose items are reserved",
        file=STATEMENTS,
        before="""only=f"(status = 'PAID' OR NOT {_MAY_COME})",""",
        after="""only=f"(status = 'PAID' OR NOT {_MAY_COME} OR true)",""",
        caught_by=(f"{MOVES}::TestItems::test_waiting_order_fails_only_with_its_last_item",),
    ),
    Mutation(
        name="a payment is announced again when a failed order is tried again",
        file=STATEMENTS,
        before="        WHEN from_status = 'FAILED' AND status = 'PAID' THEN 'resumed'\n",
        after="",
        caught_by=(f"{MOVES}::TestItems::test_failed_order_that_is_tried_again_forgets_the_failure",),
    ),
    Mutation(
        name="a rotation of keys brings older codes back",
        file=STATEMENTS,
        before="    WHERE item_id = :item_id AND sealed = CAST(:replaced AS bytea)\n",
        after="    WHERE item_id = :item_id AND CAST(:replaced AS bytea) IS NOT NULL\n",
        caught_by=(f"{CODES}::test_keys_are_rotated_while_orders_are_open",),
    ),
    Mutation(
        name="a rotation of keys brings deleted codes back",
        file=STATEMENTS,
        before="    UPDATE digital_item_codes SET sealed = CAST(:sealed AS bytea)\n    WHERE item_id = :item_id AND sealed = ",
        after="    INSERT INTO digital_item_codes VALUES (:item_id, CAST(:sealed AS bytea))\n"
        "    ON CONFLICT (item_id) DO UPDATE SET sealed = excluded.sealed WHERE digital_item_codes.sealed = ",
        caught_by=(f"{CODES}::test_deleted_codes_do_not_come_back_by_a_rotation",),
        breaks=("codes are sealed again while others delete them",),
    ),
    Mutation(
        name="webhooks with codes are stored as they come",
        file="orchestrator/features/inbound_webhooks/repository.py",
        before="SEALED_PROVIDERS: Final = frozenset({Provider.KINGUIN})",
        after="SEALED_PROVIDERS: Final = frozenset[Provider]()",
        caught_by=(f"{KNOWN}::test_codes_stand_nowhere_but_in_what_their_buyer_is_shown",),
        breaks=("a code of a digital order stands anywhere in plain text",),
    ),
    Mutation(
        name="a rotation leaves webhooks under the old key",
        file="orchestrator/features/inbound_webhooks/repository.py",
        before="                if (current := self._sealer.rewrap(sealed)) is not None:\n",
        after="                if (current := self._sealer.rewrap(sealed)) is None:\n",
        caught_by=(f"{KNOWN}::test_keys_are_rotated_while_orders_are_open_and_processes_seal_under_the_old_one",),
        breaks=("keys are rotated while orders are open and processes seal under the old one",),
    ),
    Mutation(
        name="an object that is written while its order is refunded stays",
        file="orchestrator/features/digital_goods/service/codes.py",
        before="if order.keys_deleted_at is not None or order.status is DigitalOrderStatus.REFUNDED:",
        after="if order.keys_deleted_at is not None:",
        caught_by=(f"{RACES}::test_refund_leaves_no_codes[while they are written]",),
        breaks=("a digital order ends while its codes arrive",),
    ),
    Mutation(
        name="the stored object of a refunded order stays",
        file="orders/digital_orders/repository.py",
        before="self._rows.where(or_(is_old, is_refunded))",
        after="self._rows.where(is_old)",
        caught_by=(
            f"{RACES}::test_refund_leaves_no_codes[before the saga goes on]",
            f"{RACES}::test_refund_leaves_no_codes[after a lost answer]",
        ),
    ),
    Mutation(
        name="codes of a refunded order stay",
        file="orders/migrations/versions/0013_digital_orders.py",
        before="    WHEN (NEW.status IN ('REFUNDED', 'CANCELLED')) EXECUTE FUNCTION delete_codes_of_order()",
        after="    WHEN (NEW.status IN ('CANCELLED')) EXECUTE FUNCTION delete_codes_of_order()",
        caught_by=(f"{ENDS}::test_no_code_of_a_refunded_order_stays",),
        breaks=("a digital order ends while its codes arrive",),
    ),
    Mutation(
        name="codes of a deleted buyer stay",
        file="orders/personal_data/repository.py",
        before="SET downloaded_at = to_timestamp(0)\n",
        after="SET downloaded_at = downloaded_at\n",
        caught_by=(f"{ERASED}::test_codes_of_a_deleted_buyer_are_due_for_deletion",),
    ),
    Mutation(
        name="any user reads an order of digital goods",
        file="orders/digital_orders/service.py",
        before="        if not to.may_act_for(order.buyer_user_id):\n            raise NotYourOrder\n",
        after="",
        caught_by=(f"{FOLDER}/test_public_digital_orders.py::test_order_is_hidden_from_others",),
    ),
)
