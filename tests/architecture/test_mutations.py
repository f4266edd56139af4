"""The deliberate bugs of `make mutants` fit the source; `test_named_tests` checks the tests that they name."""

import pytest
import yaml

from devstack.home import ROOT
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_applies_once_and_is_readable(mutation: Mutation) -> None:
    mutated = mutation.applied_to((ROOT / mutation.file).read_text())
    if mutation.file.endswith(".py"):
        compile(mutated, mutation.file, "exec")
    elif not mutation.file.endswith(".js"):
        assert list(yaml.safe_load_all(mutated))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_names_tests(mutation: Mutation) -> None:
    assert mutation.caught_by


def test_mutation_names_are_unique() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
