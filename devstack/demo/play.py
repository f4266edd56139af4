"""The play itself: three fans and a handful of seats that everybody wants, an admin, and staff at the door."""

from contextlib import ExitStack

from devstack.demo.cast import Cast
from devstack.demo.chapters.arrival import arrive, browse
from devstack.demo.chapters.door import open_door
from devstack.demo.chapters.handover import hand_over
from devstack.demo.chapters.lapse import let_a_hold_lapse
from devstack.demo.chapters.purchase import buy_two, refuse_taken_seats
from devstack.demo.chapters.resale import resell
from devstack.demo.chapters.second_thoughts import give_back, pay_by_code
from devstack.demo.fan import Fan
from devstack.demo.officials import Official
from devstack.demo.telling import Story
from devstack.services import Urls

__all__ = ["play"]


def play(story: Story, urls: Urls) -> None:
    """Play every step against a running platform.

    Raises:
        DemoFailedError: a step turned out otherwise; httpx.HTTPError: the platform does not answer.
    """
    with ExitStack() as ends:
        ada, ben, cleo = (Fan(name, urls) for name in ("Ada", "Ben", "Cleo"))
        dana, sam = (Official(name, urls.gateway) for name in ("Dana", "Sam"))
        for caller in (ada, ben, cleo, dana, sam):
            ends.callback(caller.close)
        _play(Cast(story=story, urls=urls, ada=ada, ben=ben, cleo=cleo, dana=dana, sam=sam))


def _play(cast: Cast) -> None:
    arrive(cast)
    choice = browse(cast)
    buy_two(cast, choice)
    refuse_taken_seats(cast, choice)
    let_a_hold_lapse(cast, choice)
    old_code = hand_over(cast, choice)
    resell(cast, choice)
    open_door(cast, choice, old_code=old_code)
    order_id = pay_by_code(cast, choice)
    give_back(cast, choice, order_id=order_id)
