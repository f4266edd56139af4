"""Purchases: hold seats, pay for them, cancel them."""
