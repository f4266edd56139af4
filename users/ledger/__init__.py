"""Double-entry credits: every movement has balanced entries, happens once, and never overdraws a wallet."""
