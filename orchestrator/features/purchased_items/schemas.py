"""Fields that the requests of tips and menus share."""

from typing import Annotated

from pydantic import Field

from common.fields import LineText, PlainText

ItemKey = Annotated[LineText, Field(min_length=1, max_length=255)]
Message = Annotated[PlainText, Field(max_length=280, description="What the performer reads with the item.")]
