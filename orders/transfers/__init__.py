"""Transfers of tickets between two people: who gives what to whom, who confirmed, and what became of it."""
