"""Every deliberate bug."""

from typing import Final

from tests.mutations import of_money, of_plumbing, of_seats

__all__ = ["MUTATIONS"]

MUTATIONS: Final = (*of_seats.MUTATIONS, *of_money.MUTATIONS, *of_plumbing.MUTATIONS)
