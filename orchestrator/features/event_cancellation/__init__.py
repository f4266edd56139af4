"""Cancelled events: every order refunded, every transfer and listing ended."""
