"""What the events service stores of performers and of users on their whitelists, for exports and for deletions of accounts."""
