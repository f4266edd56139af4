"""What customers and admins do with commissions."""
