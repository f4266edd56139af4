"""One-time codes that verify a phone: of a new account, or the new one of an account."""
