"""Digital goods: ordered here, delivered by a supplier as codes."""
