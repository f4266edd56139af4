"""Digital orders in requests and answers."""
