"""Requests and answers of digital orders."""
