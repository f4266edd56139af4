"""What the orders service stores of a user, for exports and for deletions of accounts. It has ids only, no names."""
