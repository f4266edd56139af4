"""What the events service stores of performers, of users on their whitelists and of articles' owners, for exports and deletions."""
