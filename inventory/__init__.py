"""Seats, their holds, sales and owners, over gRPC. Owns seats_db."""
