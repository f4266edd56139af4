"""The inventory's SQL. Hot paths are one statement each, in autocommit; docs/locking.md describes their locks."""
