"""What somebody confirms by a one-time code: a purchase, a transfer, a resale. Sagas send the codes."""
