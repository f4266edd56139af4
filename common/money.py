"""Money: a ``Decimal`` with two places, in JSON a string such as ``"350.00"``, never a float."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer

__all__ = ["CENT", "Money", "PositiveMoney", "SignedMoney", "money"]

CENT: Final = Decimal("0.01")
# NUMERIC(14, 2) has twelve digits before the point.
MAX_AMOUNT: Final = Decimal("999999999999.99")
# Decimal() also reads digits of other scripts, blanks, underscores, signs and exponents.
_WRITTEN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def money(value: Decimal | int | str) -> Decimal:
    """Return ``value`` with exactly two places.

    Raises:
        ValueError: it has more than two places, or is not a number.
    """
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):
        raise ValueError("an amount is written as 350.00")
    amount = Decimal(value)
    if not amount.is_finite() or amount != amount.quantize(CENT):
        raise ValueError("an amount has at most two decimal places")
    return amount.quantize(CENT) + 0  # no negative zero


def _from_json(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise ValueError("an amount is a string or a number")  # noqa: TRY004 - pydantic turns ValueError into a 400
    try:
        # A JSON number arrives as a float; its shortest representation is what the client wrote.
        return money(str(value) if isinstance(value, float) else value)
    except ArithmeticError as error:
        raise ValueError("an amount is a string or a number") from error


Money = Annotated[
    Decimal,
    BeforeValidator(_from_json),
    Field(ge=0, le=MAX_AMOUNT, examples=["350.00"]),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
]
SignedMoney = Annotated[
    Decimal,
    BeforeValidator(_from_json),
    Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT, examples=["-350.00"]),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
]
PositiveMoney = Annotated[Money, Field(gt=0)]
