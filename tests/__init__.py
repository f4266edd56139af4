"""The tests. Without this file, the package `tests` that textstat installs would be found instead."""
