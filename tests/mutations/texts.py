"""Deliberate bugs in generated texts: whose instructions count, and what is found in them."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

ADAPTERS: Final = "orchestrator/features/commissions/adapters"
QUALITY: Final = "tests/unit/orchestrator/test_text_quality.py"
INSTRUCTED: Final = "a customer's words that instruct the generator of texts"

MUTATIONS: Final = (
    Mutation(
        name="a brief is part of the generator's rules",
        file=f"{ADAPTERS}/prompt.py",
        before='{"role": "system", "content": system}',
        after='{"role": "system", "content": system + brief.brief}',
        caught_by=(f"{QUALITY}::test_customers_words_reach_the_generator_as_data_only",),
        breaks=(f"{INSTRUCTED}: they are data, apart from the rules",),
    ),
    Mutation(
        name="a text states any price",
        file=f"{ADAPTERS}/obedience.py",
        before="yield from (said.finding for said in _found(text) if said.key not in known)",
        after='yield from (said.finding for said in _found(text) if said.key[0] != "price")',
        caught_by=(f"{QUALITY}::test_effect_of_an_obeyed_instruction_is_found",),
        breaks=(
            f"{INSTRUCTED}: what they may order is found in the text (links, prices, another language, the rules)",
        ),
    ),
    Mutation(
        name="a generated text keeps its HTML",
        file=f"{ADAPTERS}/quality.py",
        before="clean(added) == added.strip() else clean(html)",
        after="clean(added) == added.strip() else html",
        caught_by=(f"{QUALITY}::test_clean_html_has_allowed_elements_only",),
        breaks=("a script in a generated text: HTML is cleaned by an allow-list",),
    ),
    Mutation(
        name="an answer of any length is read",
        file=f"{ADAPTERS}/openai.py",
        before="        if len(content) > LONGEST_ANSWER_BYTES:\n",
        after="        if not content:\n",
        caught_by=("tests/integration/providers/test_text.py::test_unusable_answer",),
        breaks=("an endless answer of a text generator: at most 256 kB are read",),
    ),
)
