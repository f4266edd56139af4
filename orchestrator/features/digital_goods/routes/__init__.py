"""Routes of digital orders."""
