"""Clients of the API for other programs, and what writes the generated part of them."""
