"""What ticket orders, transfers and listings share."""
