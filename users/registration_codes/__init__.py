"""One-time codes that verify the phone of a new account."""
