"""Transfers of tickets from a seller to a buyer: the parties, their confirmations, the outcome."""
