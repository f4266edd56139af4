"""Listings on the resale marketplace: which ticket is offered for how much, and who is buying it."""
