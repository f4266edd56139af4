"""``make demo``: a platform of its own; bought, lapsed, handed over, resold and refunded tickets, step by step."""
