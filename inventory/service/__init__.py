"""The inventory's rules: what may be held, sold and transferred, and the refusals."""
