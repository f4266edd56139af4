"""What fans, the supplier and admins do with digital orders."""
