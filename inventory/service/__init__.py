"""The inventory's rules: what may be held, sold and handed over, and what to answer when it may not."""
