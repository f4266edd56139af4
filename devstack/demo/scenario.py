"""The scenario: three fans who want the same seats, a performer, an admin, and a staff member."""

from contextlib import ExitStack

from devstack.demo.context import Context
from devstack.demo.fan_client import FanClient
from devstack.demo.narrator import Narrator
from devstack.demo.performer_client import PerformerClient
from devstack.demo.staff_client import StaffClient
from devstack.demo.steps.accounts import choose_seats, register_fans
from devstack.demo.steps.check_in import check_in_fans
from devstack.demo.steps.commissions import order_article, order_article_by_card
from devstack.demo.steps.digital_goods import order_codes
from devstack.demo.steps.hold_expiry import let_hold_expire
from devstack.demo.steps.performances import buy_from_menu, tip_performer
from devstack.demo.steps.purchase import buy_two_tickets, refuse_taken_seats
from devstack.demo.steps.refund import pay_with_code, refund_ticket
from devstack.demo.steps.resale import resell_ticket
from devstack.demo.steps.transfer import transfer_ticket
from devstack.services import Urls


def run_scenario(narrator: Narrator, urls: Urls) -> None:
    """Run every step on a running platform.

    Raises:
        DemoFailedError: a step failed.
        httpx.HTTPError: the platform does not respond.
    """
    with ExitStack() as stack:
        ada, ben, cleo = (FanClient(name, urls) for name in ("Ada", "Ben", "Cleo"))
        dana, sam = (StaffClient(name, urls.gateway) for name in ("Dana", "Sam"))
        nova = PerformerClient("Nova", urls.gateway)
        for client in (ada, ben, cleo, dana, sam, nova):
            stack.callback(client.close)
        _run_steps(Context(narrator=narrator, urls=urls, ada=ada, ben=ben, cleo=cleo, dana=dana, sam=sam, nova=nova))


def _run_steps(context: Context) -> None:
    register_fans(context)
    choice = choose_seats(context)
    buy_two_tickets(context, choice)
    refuse_taken_seats(context, choice)
    let_hold_expire(context, choice)
    old_code = transfer_ticket(context, choice)
    resell_ticket(context, choice)
    check_in_fans(context, choice, old_code=old_code)
    tip_performer(context)
    buy_from_menu(context)
    order_article(context, choice)
    order_article_by_card(context, choice)
    order_codes(context)
    order_id = pay_with_code(context, choice)
    refund_ticket(context, choice, order_id=order_id)
