"""The Postman collection is in Postman's format, and up to date with the scenarios."""

import re

import pytest

from devstack.postman.collection import COLLECTION, ENVIRONMENT, files
from tests.architecture.postman_format import Collection, Environment

VARIABLE = re.compile(r"\{\{(\w+)\}\}")


@pytest.fixture(scope="module")
def collection() -> Collection:
    return Collection.model_validate_json(COLLECTION.read_text())


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment.model_validate_json(ENVIRONMENT.read_text())


def test_files_are_up_to_date() -> None:
    stale = [path.name for path, content in files().items() if path.read_text() != content]
    assert stale == [], "run 'make postman'"


def test_every_scenario_has_its_folder(collection: Collection) -> None:
    assert [folder.name for folder in collection.item] == [
        "Auth",
        "Scenario: purchase",
        "Scenario: transfer",
        "Scenario: resale",
        "Verification",
        "Stage",
        "Commissions",
        "Digital goods",
    ]


def test_log_in_stores_the_token_that_the_collection_sends(collection: Collection) -> None:
    [auth] = [folder for folder in collection.item if folder.name == "Auth"]
    [log_in] = [item for item in auth.item if item.name == "Log in"]
    script = "\n".join(line for event in log_in.event for line in event.script.exec)
    assert 'pm.collectionVariables.set("access_token", pm.response.json().data.access_token);' in script
    assert "{{access_token}}" in str(collection.auth)


def test_every_variable_is_defined_once(collection: Collection, environment: Environment) -> None:
    own = [variable.key for variable in collection.variable]
    given = [value.key for value in environment.values]
    assert not set(own) & set(given)
    assert set(VARIABLE.findall(COLLECTION.read_text())) <= {*own, *given}
