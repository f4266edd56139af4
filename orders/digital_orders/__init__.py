"""Digital goods that fans order, item by item, with their codes, which this service cannot read."""
