"""Listings on the resale marketplace: the ticket, its price, and its buyer."""
