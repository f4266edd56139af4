"""The Postman collection equals the services' OpenAPI documents in Postman's format."""

import re

import pytest
from jsonschema import Draft202012Validator

from devstack.postman.collection import COLLECTION, ENVIRONMENT, files
from devstack.postman.description import describe
from gateway.routing import ROUTES
from tests.architecture.postman_format import Collection, Environment, Item

VARIABLE = re.compile(r"\{\{(\w+)\}\}")


@pytest.fixture(scope="module")
def collection() -> Collection:
    return Collection.model_validate_json(COLLECTION.read_text())


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment.model_validate_json(ENVIRONMENT.read_text())


def calls(collection: Collection) -> list[Item]:
    """Return the requests outside the scenarios."""
    return [item for folder in collection.item if not folder.name.startswith("Scenario") for item in folder.item]


async def test_files_are_up_to_date() -> None:
    stale = [path.name for path, content in files(await describe()).items() if path.read_text() != content]
    assert stale == [], "run 'make postman'"


async def test_generation_is_deterministic() -> None:
    assert files(await describe()) == files(await describe())


def test_every_route_has_one_request(collection: Collection) -> None:
    def shape(path: str) -> str:
        return re.sub(r"\{\w+\}|:\w+", "{}", path)

    described = [(item.request.method, shape("/" + "/".join(item.request.url.path))) for item in calls(collection)]
    assert sorted(described) == sorted((route.method, shape(route.path)) for route in ROUTES)


def test_folder_names_are_unique(collection: Collection) -> None:
    names = [folder.name for folder in collection.item]
    assert len(set(names)) == len(names)
    assert names[:3] == ["Scenario: purchase", "Scenario: transfer", "Scenario: resale"]


def test_every_variable_is_defined_once(collection: Collection, environment: Environment) -> None:
    own = [variable.key for variable in collection.variable]
    given = [value.key for value in environment.values]
    assert not set(own) & set(given)
    assert set(VARIABLE.findall(COLLECTION.read_text())) <= {*own, *given}


def test_request_bodies_have_examples(collection: Collection) -> None:
    bodies = {item.name: item.request.body for item in calls(collection)}
    shown = bodies["Hold 1 to 10 seats"]
    assert shown is not None
    assert shown.raw == {
        "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
        "seat_ids": ["55555555-5555-5555-5555-555555555101", "55555555-5555-5555-5555-555555555102"],
    }
    confirming = bodies["Confirm by code"]
    assert confirming is not None
    assert confirming.raw == {"transfer_id": "00000000-0000-4000-8000-000000000000", "otp_code": "123456"}


async def test_examples_match_their_schemas(collection: Collection) -> None:
    description = await describe()
    operations = {
        operation["summary"]: operation for methods in description["paths"].values() for operation in methods.values()
    }
    wrong = []
    for item in calls(collection):
        operation = operations[item.name]
        shown = [(operation["requestBody"], item.request.body.raw)] if item.request.body else []
        shown += [(operation["responses"][str(answer.code)], answer.body) for answer in item.response]
        for message, example in shown:
            schema = message["content"]["application/json"]["schema"]
            validator = Draft202012Validator(schema | {"components": description["components"]})
            wrong += [f"{item.name}: {error.json_path} {error.message}" for error in validator.iter_errors(example)]
    assert wrong == []
