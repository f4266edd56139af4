"""Accounts: registration, phone verification, profiles, roles."""
