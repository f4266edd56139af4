"""The sentences of the generator, read from `phrases.toml`."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

PHRASES: Final[Mapping[str, Any]] = tomllib.loads(files(__package__).joinpath("phrases.toml").read_text("utf-8"))
TOPICS: Final = {name: frozenset(topic["words"].split()) for name, topic in PHRASES["topics"].items()}
"""The words of a brief or a note that name a topic."""
NOTES: Final = {name: frozenset(words.split()) for name, words in PHRASES["notes"].items()}
"""The words by which notes ask for something."""
