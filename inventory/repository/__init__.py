"""The inventory's SQL. What is hot is one statement, run in autocommit; docs/locking.md tells how they lock."""
