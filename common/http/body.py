"""The base of the bodies that clients send."""

from pydantic import BaseModel, ConfigDict


class RequestBody(BaseModel):
    """A public body, or a part of one. A field that it does not name is refused, so that a misspelt one is not ignored.

    Bodies of calls between services have other bases: during a deployment a caller may know a field that the callee does not.
    """

    model_config = ConfigDict(extra="forbid")
