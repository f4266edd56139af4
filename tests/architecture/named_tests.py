"""Look up the tests that pages and mutations name, without importing them."""

import ast
from collections.abc import Iterable
from functools import cache

from devstack.home import ROOT


def is_a_test(name: str) -> bool:
    """Return whether ``tests/…/test_x.py``, ``…::test_y``, ``…::TestZ`` or ``…::TestZ::test_y`` exists; a parameter is ignored."""
    file, *parts = name.partition("[")[0].split("::")
    return (ROOT / file).is_file() and (not parts or "::".join(parts) in _defined_in(file))


@cache
def _defined_in(file: str) -> frozenset[str]:
    return frozenset(_names(ast.parse((ROOT / file).read_text()).body))


def _names(body: Iterable[ast.stmt], prefix: str = "") -> Iterable[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield prefix + node.name
            yield from _names(node.body, f"{prefix}{node.name}::")
