"""What the status machines of transfers and listings share."""

import enum

__all__ = ["Move"]


class Move(enum.Enum):
    """A move of a status machine; each member's value is where it starts and where it leads: None where the row goes."""

    @property
    def from_status(self) -> str:
        return str(self.value[0])

    @property
    def to_status(self) -> str | None:
        return None if self.value[1] is None else str(self.value[1])
