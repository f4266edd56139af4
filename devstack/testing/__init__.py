"""How the tests are run: in parts, once more after a failure, on servers that stay up, and by what changed."""
