"""Transfers of tickets between two people, and their disputes."""
