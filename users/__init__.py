"""Accounts, logins, one-time codes, and the double-entry ledger. Owns users_db."""
