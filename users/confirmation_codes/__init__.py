"""One-time codes that confirm a purchase, a transfer or a resale. Sagas send them."""
