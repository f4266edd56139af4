"""What the users service stores of a person: its export, and the deletion of an account."""
