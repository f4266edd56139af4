"""Metadata and column types shared by every service's models."""

from typing import Final

from sqlalchemy import MetaData, Numeric

AMOUNT: Final = Numeric(14, 2)
"""Money columns: twelve digits and two places."""

_NAMING: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """Return metadata whose constraints have predictable names, so that migrations can name them."""
    return MetaData(naming_convention=_NAMING)
