"""What the features' routes share."""
