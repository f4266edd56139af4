"""Orders of tickets: the seats, their prices, and the outcome."""
