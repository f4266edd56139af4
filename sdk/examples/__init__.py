"""What the documentation shows; tests run it."""
