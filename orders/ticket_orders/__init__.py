"""Orders of tickets: the seats, what they cost, and what became of them."""
