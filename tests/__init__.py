"""The tests. A regular package comes before the package of this name that textstat installs."""
