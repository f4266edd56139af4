"""Requests and answers of commissions."""
