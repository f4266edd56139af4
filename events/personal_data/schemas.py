"""The answers of the personal data routes."""

import enum
from typing import Any

from pydantic import BaseModel


class SectionName(enum.StrEnum):
    PERFORMERS = "performers"
    MENUS = "menus"
    WHITELISTS = "whitelists"
    ARTICLES = "articles"


class Section(BaseModel):
    """A part of an export, newest first. `next` leads to the following part as `after`; null after the last one."""

    items: list[dict[str, Any]]
    next: str | None
