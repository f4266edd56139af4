"""``make demo``: starts a separate platform and runs purchase, hold expiry, transfer, resale, check-in and refund."""
