"""The base of the bodies that clients send."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator


class RequestBody(BaseModel):
    """A public body, or a part of one. A field that it does not name is refused, so that a misspelt one is not ignored.

    Bodies of calls between services have other bases: during a deployment a caller may know a field that the callee does not.
    """

    model_config = ConfigDict(extra="forbid")


class EmptyBody(RequestBody):
    """The body of a purchase that the client decides nothing about, such as its price: any field is refused."""


class PartialBody(RequestBody):
    """The changes of a PATCH: at least one field, the others stay as they are.

    null clears the fields named in `clearable`, and is refused for all others.
    """

    clearable: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give at least one field to change")
        missing = [name for name in self.model_fields_set - self.clearable if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{', '.join(sorted(missing))}: null is no value")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """The given fields, by their names here, not their aliases."""
        return self.model_dump(exclude_unset=True)
