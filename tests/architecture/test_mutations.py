"""The deliberate bugs of `make mutants` fit the source, and name tests that exist."""

import pytest

from devstack.home import ROOT
from tests.architecture.named_tests import is_a_test
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_applies_once_and_compiles(mutation: Mutation) -> None:
    mutated = mutation.applied_to((ROOT / mutation.file).read_text())
    compile(mutated, mutation.file, "exec")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_names_existing_tests(mutation: Mutation) -> None:
    assert mutation.caught_by
    assert [name for name in mutation.caught_by if not is_a_test(name)] == []


def test_mutation_names_are_unique() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
