"""Test runs: in parts, with a retry after a failure, on servers that keep running, and with coverage."""
