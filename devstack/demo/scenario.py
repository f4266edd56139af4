"""The play itself: three fans and a handful of seats that everybody wants, an admin, and staff at the door."""

from contextlib import ExitStack

from devstack.demo.context import Context
from devstack.demo.fan import Fan
from devstack.demo.narrator import Narrator
from devstack.demo.officials import Official
from devstack.demo.steps.accounts import arrive, browse
from devstack.demo.steps.check_in import open_door
from devstack.demo.steps.hold_expiry import let_a_hold_lapse
from devstack.demo.steps.purchase import buy_two, refuse_taken_seats
from devstack.demo.steps.refund import give_back, pay_by_code
from devstack.demo.steps.resale import resell
from devstack.demo.steps.transfer import hand_over
from devstack.services import Urls

__all__ = ["play"]


def play(narrator: Narrator, urls: Urls) -> None:
    """Play every step against a running platform.

    Raises:
        DemoFailedError: a step turned out otherwise; httpx.HTTPError: the platform does not answer.
    """
    with ExitStack() as ends:
        ada, ben, cleo = (Fan(name, urls) for name in ("Ada", "Ben", "Cleo"))
        dana, sam = (Official(name, urls.gateway) for name in ("Dana", "Sam"))
        for caller in (ada, ben, cleo, dana, sam):
            ends.callback(caller.close)
        _play(Context(narrator=narrator, urls=urls, ada=ada, ben=ben, cleo=cleo, dana=dana, sam=sam))


def _play(context: Context) -> None:
    arrive(context)
    choice = browse(context)
    buy_two(context, choice)
    refuse_taken_seats(context, choice)
    let_a_hold_lapse(context, choice)
    old_code = hand_over(context, choice)
    resell(context, choice)
    open_door(context, choice, old_code=old_code)
    order_id = pay_by_code(context, choice)
    give_back(context, choice, order_id=order_id)
