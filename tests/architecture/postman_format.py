"""The part of Postman's Collection Format v2.1 that the collection uses; anything else in a file is refused.

Source: https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, JsonValue

__all__ = ["Collection", "Environment"]

Text = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class KeyValue(Part):
    """A header, a query parameter or a variable."""

    key: Text
    value: str


class Url(Part):
    raw: Text
    host: list[Text]
    path: list[Text] = []  # none if the host is a variable with the whole URL
    query: list[KeyValue] = []


class AuthAttribute(Part):
    key: Text
    value: str
    type: Literal["string"]


class Bearer(Part):
    type: Literal["bearer"]
    bearer: list[AuthAttribute]


class NoAuth(Part):
    type: Literal["noauth"]


Auth = Annotated[Bearer | NoAuth, Field(discriminator="type")]


class Language(Part):
    language: Literal["json"]


class BodyOptions(Part):
    raw: Language


class Body(Part):
    mode: Literal["raw"]
    raw: Json[JsonValue]
    options: BodyOptions


class Request(Part):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    url: Url
    header: list[KeyValue]
    auth: Auth
    body: Body | None = None


class Script(Part):
    type: Literal["text/javascript"]
    exec: list[Text]


class Event(Part):
    listen: Literal["test", "prerequest"]
    script: Script


class Item(Part):
    name: Text
    request: Request
    response: Annotated[list[JsonValue], Field(max_length=0)]
    event: list[Event]


class Folder(Part):
    name: Text
    description: str = ""
    item: list[Item]


class Info(Part):
    name: Text
    description: str = ""
    schema_: Literal["https://schema.getpostman.com/json/collection/v2.1.0/collection.json"] = Field(alias="schema")


class Collection(Part):
    info: Info
    auth: Auth
    item: list[Folder]
    variable: list[KeyValue]


class EnvironmentValue(Part):
    key: Text
    value: str
    type: Literal["default", "secret"]
    enabled: bool


class Environment(Part):
    """An environment file; Postman does not publish its format."""

    name: Text
    values: list[EnvironmentValue]
    postman_variable_scope: Literal["environment"] = Field(alias="_postman_variable_scope")
